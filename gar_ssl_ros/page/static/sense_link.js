// The WebSocket on which this page's camera and microphone go to the robot, and the robot's clock.

import { Clock } from './clock.js';

const PING_MS = 2000;
const FIRST_PINGS = 5; // one after the other, so that the clock is known well from the start
const SILENT_MS = 7000; // without an answer, the connection is dead though nobody says so
const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 5000;
const SLEW_MS = 3; // that the clock is moved by at once: less than sound's stamps may jitter
const JUMP_MS = 100; // further off, a clock was set, or this machine slept

/** Events: `state`, {state: connecting, open or lost, reason}; `told`, a sentence. */
export class Link extends EventTarget {
  #clock = new Clock();
  #offset = null; // ms from performance.now() to the server's time
  #socket = null;
  #number = 0;
  #wait = FIRST_WAIT_MS;
  #heard = 0;
  #closed = false;
  #timers = [];

  open() {
    const address = new URL('sense', location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    address.search = ''; // the token has become a cookie
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#say('connecting', '');
    socket.addEventListener('open', () => {
      this.#heard = performance.now();
      this.#ping();
      this.#timers.push(setInterval(() => this.#ping(), PING_MS));
    });
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(data)));
    socket.addEventListener('close', ({ code, reason }) => this.#lost(socket, code === 1009 ? 'a message was too large' : reason));
  }

  close() {
    this.#closed = true;
    this.#timers.forEach(clearInterval);
    this.#socket?.close();
  }

  /** Whether what is sent now arrives, and at a time that means something. */
  get ready() {
    return this.#offset !== null && this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait to be sent. */
  get waiting() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** The server's ms since the epoch at a time of performance.now(). */
  at(time) {
    return time + this.#offset;
  }

  send(bytes) {
    if (this.ready) this.#socket.send(bytes);
  }

  /** Whether pictures can be taken now. */
  look(on) {
    this.#ask({ do: 'look', on });
  }

  #ask(command) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const id = ++this.#number;
    if (command.do === 'ping') this.#clock.asked(id);
    this.#socket.send(JSON.stringify({ ...command, id }));
  }

  #ping() {
    if (!document.hidden && performance.now() - this.#heard > SILENT_MS) { // hidden, pings are few
      const socket = this.#socket;
      socket.close(); // which waits for an answer that may never come
      this.#lost(socket, 'the robot is not heard');
      return;
    }
    this.#ask({ do: 'ping' });
  }

  #receive(message) {
    this.#heard = performance.now();
    if (message.type === 'told' && !message.ok) this.dispatchEvent(new CustomEvent('told', { detail: message.text }));
    if (message.type !== 'pong') return;
    this.#clock.answered(message.id, message.now);
    if (this.#number < FIRST_PINGS) return this.#ping();
    const found = this.#clock.now() - performance.now();
    const first = this.#offset === null;
    const off = found - (this.#offset ?? found);
    if (first || Math.abs(off) > JUMP_MS) this.#offset = found;
    else this.#offset += Math.max(-SLEW_MS, Math.min(off, SLEW_MS));
    if (!first) return;
    this.#wait = FIRST_WAIT_MS;
    this.#say('open', '');
    this.look(!document.hidden);
  }

  #lost(socket, reason) {
    if (this.#closed || socket !== this.#socket) return;
    this.#timers.splice(0).forEach(clearInterval);
    this.#socket = null;
    this.#number = 0;
    this.#offset = null;
    this.#clock = new Clock();
    this.#say('lost', reason);
    this.#timers.push(setTimeout(() => this.open(), this.#wait));
    this.#wait = Math.min(2 * this.#wait, MOST_WAIT_MS);
  }

  #say(state, reason) {
    this.dispatchEvent(new CustomEvent('state', { detail: { state, reason } }));
  }
}
