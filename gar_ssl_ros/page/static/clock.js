// What time it is: at the server, and in what is shown.

const KEPT = 10; // trips, of which the shortest counts
const JUMP_MS = 100; // beyond what a trip explains: then a clock was set, or this machine slept

/** The server's clock, by messages that go there and back. */
export class Clock {
  #asked = new Map();
  #trips = [];

  asked(id) {
    this.#asked.set(id, performance.now());
  }

  answered(id, now) {
    const begin = this.#asked.get(id);
    this.#asked.clear(); // whatever was asked before will not be answered any more
    if (begin === undefined) return;
    const end = performance.now();
    const trip = { ms: end - begin, offset: now - (begin + end) / 2 };
    if (this.known && Math.abs(trip.offset - this.#best.offset) > trip.ms + this.#best.ms + JUMP_MS) this.#trips = [];
    this.#trips = [...this.#trips.slice(1 - KEPT), trip];
  }

  get known() {
    return this.#trips.length > 0;
  }

  get trip() {
    return this.known ? this.#best.ms : null;
  }

  /** ms since the epoch, as the server has it. */
  now() {
    return this.known ? performance.now() + this.#best.offset : Date.now();
  }

  get #best() {
    return this.#trips.reduce((best, trip) => (trip.ms < best.ms ? trip : best));
  }
}

const LIVE_MS = 10000; // further from the server's time, stamps are of another clock: of a simulation, or a session

/** The time of what is shown: the server's, a session's, or, of stamps by another clock, theirs. */
export class StreamTime {
  #clock;
  #newest = null;
  #playback = null;

  constructor(clock) {
    this.#clock = clock;
  }

  saw(stamp) {
    const newest = this.#newest?.stamp ?? -Infinity;
    if (stamp > newest || newest - stamp > LIVE_MS) this.#newest = { stamp, at: performance.now() };
  }

  played(playback) {
    this.#playback = { ...playback, at: performance.now() };
  }

  /** Time has jumped. */
  forget() {
    this.#newest = null;
  }

  /** Nothing is known of what will come. */
  begin() {
    this.#newest = this.#playback = null;
  }

  get playback() {
    return this.#playback;
  }

  /** Whether stamps are of the server's clock, so that an age means something. */
  get live() {
    return this.#playback === null && (this.#newest === null || Math.abs(this.#clock.now() - this.#newest.stamp) < LIVE_MS);
  }

  now() {
    const playback = this.#playback;
    if (playback !== null) {
      const since = playback.playing ? Math.min(performance.now() - playback.at, 1000) * playback.rate : 0;
      return Math.min(playback.position + since, playback.end);
    }
    return this.live ? this.#clock.now() : this.#newest.stamp + Math.min(performance.now() - this.#newest.at, LIVE_MS);
  }
}
