// How loud it is: the level as it comes, the highest peak of a while, and whether it was clipped.

import { say } from './dom.js';

const HOLD_MS = 1500;
const FALL = 0.04; // of the whole scale, a column
const CLIPPED = 254; // of a peak, 255 being full scale
const CLIPPED_MS = 2000;
const FLOOR_DB = -100;
const SHOWN_DB = -80; // where the bar begins
const GONE_MS = 1500; // without sound, from which on none comes

const decibels = (value) => FLOOR_DB + value / 2.55;
const share = (value) => Math.max(0, (decibels(value) - SHOWN_DB) / -SHOWN_DB);

export class Meter {
  #parts;
  #peak = { value: 0, at: 0 };
  #clipped = -Infinity;
  #level = 0;
  #heard = -Infinity;

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
    this.#show(0, -Infinity);
  }

  #show(level, now) {
    this.#level = level;
    this.#heard = now;
    this.#parts.fill.style.clipPath = `inset(0 ${100 - 100 * share(level)}% 0 0)`;
    this.#parts.peak.style.left = `${100 * share(this.#peak.value)}%`;
  }

  /** In numbers and words, now and then: and that nothing comes any more. */
  tell() {
    const { meter, value, clip } = this.#parts;
    const now = performance.now();
    if (this.#heard > 0 && now - this.#heard > GONE_MS) this.forget();
    const comes = this.#heard > 0;
    const clipped = now - this.#clipped < CLIPPED_MS;
    const told = Math.round(decibels(this.#level));
    say(value, comes ? `${told} dB` : 'no sound');
    say(clip, clipped ? 'CLIPPED' : 'clip');
    clip.classList.toggle('on', clipped);
    const words = comes ? `${told} decibels of full scale${clipped ? ', clipped' : ''}` : 'no sound comes';
    if (meter.getAttribute('aria-valuetext') === words) return;
    meter.setAttribute('aria-valuenow', told);
    meter.setAttribute('aria-valuetext', words);
  }
}
