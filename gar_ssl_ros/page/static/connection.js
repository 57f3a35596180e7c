// The stream to the server: messages in, commands out, and back again after it was cut.

import { Clock } from './clock.js';

const PING_MS = 2000;
const SILENT_MS = 7000; // without an answer to a ping, the connection is dead though nobody says so
const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 5000;
const PICTURE = 1;
const SOUND = 2;
const HEAD = 16; // bytes

/** Sound messages one after another: {stamp ms of the first column, step ms, size values a column, count, values}. */
export function* soundsOf(buffer) {
  const view = new DataView(buffer);
  for (let at = 0; at + HEAD <= buffer.byteLength;) {
    const size = view.getUint8(at + 1);
    const count = view.getUint16(at + 2, true);
    if (view.getUint8(at) !== SOUND || at + HEAD + size * count > buffer.byteLength) return;
    yield {
      stamp: view.getFloat64(at + 8, true), step: view.getFloat32(at + 4, true), size, count,
      values: new Uint8Array(buffer, at + HEAD, size * count),
    };
    at += HEAD + size * count;
  }
}

function pictureOf(buffer) {
  const view = new DataView(buffer);
  return {
    width: view.getUint16(4, true), height: view.getUint16(6, true), stamp: view.getFloat64(8, true),
    jpeg: new Blob([new Uint8Array(buffer, HEAD)], { type: 'image/jpeg' }),
  };
}

/** Events: one of each message's type, its content in `detail`; `picture`, `sound`; `state` {state, reason}. */
export class Connection extends EventTarget {
  clock = new Clock();
  state = 'connecting';
  #socket = null;
  #wait = FIRST_WAIT_MS;
  #number = 0;
  #asked = new Map(); // id -> what to call with what came of it
  #heard = 0;

  open() {
    const address = new URL('stream', location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    address.search = ''; // the token has become a cookie
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    let pings;
    socket.addEventListener('open', () => {
      this.#heard = performance.now();
      this.#ping();
      pings = setInterval(() => this.#ping(), PING_MS);
    });
    socket.addEventListener('message', ({ data }) => this.#receive(data));
    socket.addEventListener('close', ({ reason }) => {
      clearInterval(pings);
      for (const told of this.#asked.values()) told({ ok: false, text: 'the connection was lost before it was done' });
      this.#asked.clear();
      this.#become('lost', reason);
      setTimeout(() => this.open(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, MOST_WAIT_MS);
    });
  }

  /** Have a command done; what came of it: {ok, text}. */
  ask(command) {
    const id = this.#send(command);
    if (id === null) return Promise.resolve({ ok: false, text: 'not connected: nothing was done' });
    return new Promise((resolve) => this.#asked.set(id, resolve));
  }

  #send(command) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return null;
    const id = ++this.#number;
    this.#socket.send(JSON.stringify({ ...command, id }));
    return id;
  }

  #ping() {
    if (!document.hidden && performance.now() - this.#heard > SILENT_MS) {
      this.#socket.close(); // which may take as long as it likes; what it calls comes in any case
      return;
    }
    const id = this.#send({ do: 'ping' });
    if (id !== null) this.clock.asked(id);
  }

  #receive(data) {
    this.#heard = performance.now();
    if (typeof data !== 'string') {
      const kind = new Uint8Array(data, 0, 1)[0];
      if (kind === PICTURE) this.#tell('picture', pictureOf(data));
      else if (kind === SOUND) for (const sound of soundsOf(data)) this.#tell('sound', sound);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === 'pong') {
      this.clock.answered(message.id, message.now);
    } else if (message.type === 'told') {
      const id = this.#asked.has(message.id) ? message.id : this.#asked.keys().next().value; // one that could not be read has none
      this.#asked.get(id)?.(message);
      this.#asked.delete(id);
    } else if (message.type === 'hello') {
      this.#wait = FIRST_WAIT_MS;
      this.#tell('hello', message);
      this.#become('open', '');
    } else {
      this.#tell(message.type, message);
    }
  }

  #become(state, reason) {
    this.state = state;
    this.#tell('state', { state, reason });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
