// The stream from the server: messages in, commands out.

import { Channel } from './channel.js';
import { PICTURE, SOUND, kindOf, pictureOf, soundsOf } from './wire.js';

/** Events: one of each message's type, its content in `detail`; `picture`, `sound`; `state` {state, reason}. */
export class Connection extends Channel {
  #asked = new Map(); // id -> what to call with what came of it

  constructor() {
    super('stream');
  }

  /** Have a command done; what came of it: {ok, text}. */
  ask(command) {
    const id = this.command(command);
    if (id === null) return Promise.resolve({ ok: false, text: 'not connected: nothing was done' });
    return new Promise((resolve) => this.#asked.set(id, resolve));
  }

  dropped() {
    for (const told of this.#asked.values()) told({ ok: false, text: 'the connection was lost before it was done' });
    this.#asked.clear();
  }

  received(data) {
    if (typeof data !== 'string') {
      if (kindOf(data) === PICTURE) this.say('picture', pictureOf(data));
      else if (kindOf(data) === SOUND) for (const sound of soundsOf(data)) this.say('sound', sound);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === 'pong') {
      this.clock.answered(message.id, message.now);
    } else if (message.type === 'told') {
      this.#asked.get(message.id)?.(message);
      this.#asked.delete(message.id);
    } else {
      this.say(message.type, message);
      if (message.type === 'hello') this.works();
    }
  }
}
