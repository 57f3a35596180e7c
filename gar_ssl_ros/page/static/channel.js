// A WebSocket to the server, with the server's clock; lost, it is opened again.

import { Clock } from './clock.js';

const PING_MS = 2000;
const SILENT_MS = 7000; // without a message, the connection is dead though nobody says so
const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 5000;
const TOO_LARGE = 1009; // code with which a WebSocket is closed (RFC 6455, 7.4.1)

/** What is made of it says what comes (`received`) and that it was lost (`dropped`). Event: `state`, {state, reason}. */
export class Channel extends EventTarget {
  clock = new Clock();
  pings = 0; // since it was opened last
  #path;
  #socket = null;
  #wait = FIRST_WAIT_MS;
  #number = 0;
  #heard = 0;
  #timers = [];
  #closed = false;

  constructor(path) {
    super();
    this.#path = path;
  }

  open() {
    const address = new URL(this.#path, location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    address.search = ''; // the token has become a cookie
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.pings = 0;
    socket.addEventListener('open', () => {
      this.#heard = performance.now();
      this.ping();
      this.#timers.push(setInterval(() => this.ping(), PING_MS));
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heard = performance.now();
      this.received(data);
    });
    socket.addEventListener('close', ({ code, reason }) => this.#lose(socket, code === TOO_LARGE ? 'a message was too large' : reason));
  }

  close() {
    this.#closed = true;
    this.#timers.splice(0).forEach(clearInterval);
    this.#socket?.close();
  }

  get connected() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait to be sent. */
  get waiting() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  send(data) {
    this.#socket.send(data);
  }

  /** Its number; null where it could not be sent. */
  command(command) {
    if (!this.connected) return null;
    const id = ++this.#number;
    this.send(JSON.stringify({ ...command, id }));
    return id;
  }

  ping() {
    if (!document.hidden && performance.now() - this.#heard > SILENT_MS) { // hidden, pings are few
      const socket = this.#socket;
      socket?.close(); // which waits for an answer that may never come
      this.#lose(socket, 'the robot is not heard');
      return;
    }
    const id = this.command({ do: 'ping' });
    if (id === null) return;
    this.pings += 1;
    this.clock.asked(id);
  }

  /** It works: the next time that it is lost, it is opened again soon. */
  works() {
    this.#wait = FIRST_WAIT_MS;
    this.say('state', { state: 'open', reason: '' });
  }

  say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #lose(socket, reason) {
    if (this.#closed || socket !== this.#socket) return;
    this.#timers.splice(0).forEach(clearInterval);
    this.#socket = null;
    this.dropped();
    this.say('state', { state: 'lost', reason });
    this.#timers.push(setTimeout(() => this.open(), this.#wait));
    this.#wait = Math.min(2 * this.#wait, MOST_WAIT_MS);
  }
}
