// How loud it is: the level as it comes, the highest peak of a while, and whether it was clipped.

import { say } from './dom.js';

const HOLD_MS = 1500;
const FALL = 0.04; // of the whole scale, a column
const CLIPPED = 254; // of a peak, 255 being full scale
const CLIPPED_MS = 2000;
const FLOOR_DB = -100;
const SHOWN_DB = -80; // where the bar begins
const SAID_MS = 500;

const decibels = (value) => FLOOR_DB + value / 2.55;
const share = (value) => Math.max(0, (decibels(value) - SHOWN_DB) / -SHOWN_DB);

export class Meter {
  #parts;
  #peak = { value: 0, at: 0 };
  #clipped = -Infinity;
  #said = 0;

  /** parts: meter, fill, peak, value, clip: elements. */
  constructor(parts) {
    this.#parts = parts;
  }

  hear({ values, size, count }) {
    const now = performance.now();
    for (let column = 0; column < count; column++) {
      const peak = values[column * size + 1];
      if (peak >= this.#peak.value) this.#peak = { value: peak, at: now };
      else if (now - this.#peak.at > HOLD_MS) this.#peak.value = Math.max(peak, this.#peak.value - 255 * FALL);
      if (peak >= CLIPPED) this.#clipped = now;
    }
    if (count) this.#show(values[(count - 1) * size], now);
  }

  forget() {
    this.#peak = { value: 0, at: 0 };
    this.#clipped = -Infinity;
    this.#show(0, performance.now());
  }

  #show(level, now) {
    const { meter, fill, peak, value, clip } = this.#parts;
    fill.style.clipPath = `inset(0 ${100 - 100 * share(level)}% 0 0)`;
    peak.style.left = `${100 * share(this.#peak.value)}%`;
    clip.classList.toggle('on', now - this.#clipped < CLIPPED_MS);
    if (now - this.#said < SAID_MS) return;
    this.#said = now;
    const told = Math.round(decibels(level));
    say(value, `${told} dB`);
    say(clip, now - this.#clipped < CLIPPED_MS ? 'CLIPPED' : 'clip');
    meter.setAttribute('aria-valuenow', told);
    meter.setAttribute('aria-valuetext', `${told} decibels of full scale${now - this.#clipped < CLIPPED_MS ? ', clipped' : ''}`);
  }
}
