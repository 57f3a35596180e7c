// The WebSocket on which this page's camera and microphone go to the robot, and the robot's clock.

import { Channel } from './channel.js';
import { Clock } from './clock.js';

const FIRST_PINGS = 5; // one after the other, so that the clock is known well from the start
const SLEW_MS = 3; // that the clock is moved by at once: less than sound's stamps may jitter
const JUMP_MS = 100; // further off, a clock was set, or this machine slept

/** Events: `state`, {state: connecting, open or lost, reason}; `told`, a sentence. */
export class Link extends Channel {
  #offset = null; // ms from performance.now() to the server's time

  constructor() {
    super('sense');
  }

  open() {
    super.open();
    this.say('state', { state: 'connecting', reason: '' });
  }

  /** Whether what is sent now arrives, and at a time that means something. */
  get ready() {
    return this.#offset !== null && this.connected;
  }

  /** The server's ms since the epoch at a time of performance.now(). */
  at(time) {
    return time + this.#offset;
  }

  send(data) {
    if (this.connected) super.send(data);
  }

  /** Whether pictures can be taken now. */
  look(on) {
    this.command({ do: 'look', on });
  }

  dropped() {
    this.#offset = null;
    this.clock = new Clock();
  }

  received(data) {
    const message = JSON.parse(data);
    if (message.type === 'told' && !message.ok) this.say('told', message.text);
    if (message.type !== 'pong') return;
    this.clock.answered(message.id, message.now);
    if (this.pings < FIRST_PINGS) return this.ping();
    const found = this.clock.now() - performance.now();
    const first = this.#offset === null;
    const off = found - (this.#offset ?? found);
    if (first || Math.abs(off) > JUMP_MS) this.#offset = found;
    else this.#offset += Math.max(-SLEW_MS, Math.min(off, SLEW_MS));
    if (!first) return;
    this.works();
    this.look(!document.hidden);
  }
}
