// The picture, at the rate at which it comes, with the answers over it.

import { compass } from './compass.js';
import { overlay } from './overlay.js';
import { say } from './dom.js';

const WHOLE = 0.5; // of a window's length after its end, until which what was found is shown undimmed
const GONE = 1.5; // and from which on it is not shown any more
const NEAR_MS = 60; // a picture as near as that is the answer's own
const RATE_MS = 3000;

/** How strongly an answer is drawn on the picture of that stamp, 0..1. */
export function strength(answer, stamp) {
  const age = (stamp - answer.end) / Math.max(1, answer.end - answer.begin);
  return Math.min(1, Math.max(0, (GONE - age) / (GONE - WHOLE)));
}

/** The picture that an answer is about, as the server keeps it: {bitmap, stamp}. */
export async function pictureOf(answer) {
  const reply = await fetch(`picture?stamp=${answer.stamp}`);
  if (!reply.ok) throw new Error('its picture is no longer kept');
  const jpeg = await reply.blob();
  const stamp = Number(reply.headers.get('X-Stamp') ?? answer.stamp);
  return { jpeg, bitmap: await createImageBitmap(jpeg), stamp };
}

export class Picture {
  anchors = false;
  #figure;
  #canvas;
  #note;
  #marks = null;
  #compass = null;
  #answers = [null, null];
  #waiting = null; // the newest that has not been decoded
  #decoding = false;
  #drawn = null; // {bitmap, stamp} of what comes
  #still = null; // the same of an answer gone back to
  #dirty = false;
  #arrivals = [];

  /** figure: holds the canvas and all that is drawn over it. note: a line about it. */
  constructor(figure, canvas, note) {
    this.#figure = figure;
    this.#canvas = canvas;
    this.#note = note;
    new ResizeObserver(() => this.mark(this.#answers)).observe(canvas);
  }

  /** The newest one: whatever still waits is given up for it. */
  see(picture) {
    this.#waiting = picture;
    if (!this.#decoding) this.#decode();
  }

  forget() {
    this.#waiting = this.#drawn = null;
    this.#arrivals = [];
  }

  /** ms, of what comes; null before any. */
  get stamp() {
    return this.#drawn?.stamp ?? null;
  }

  /** Pictures a second, as they are shown. */
  get rate() {
    const since = performance.now() - RATE_MS;
    this.#arrivals = this.#arrivals.filter((at) => at > since);
    return this.#arrivals.length / (RATE_MS / 1000);
  }

  /** What is on the canvas: {bitmap, stamp}, or null. */
  get shown() {
    return this.#still ?? this.#drawn;
  }

  /** Show the picture of an answer; null for what comes now. The reason, where it is not there. */
  async goTo(answer) {
    this.#dirty = true;
    if (answer === null) {
      this.#still = null;
      this.#size();
      return '';
    }
    const still = { bitmap: null, stamp: answer.stamp, key: answer.key, width: answer.width, height: answer.height };
    this.#still = still;
    try {
      Object.assign(still, await pictureOf(answer));
      this.#dirty = true;
      const off = (still.stamp - answer.stamp) / 1000;
      return Math.abs(off) * 1000 < NEAR_MS ? '' : `the nearest picture kept is ${Math.abs(off).toFixed(1)} s ${off > 0 ? 'later' : 'earlier'}`;
    } catch (problem) {
      return problem.message;
    }
  }

  /** Draw these answers, one a lane or null, over it. */
  mark(answers) {
    this.#answers = answers;
    const { width, height } = this.#canvas;
    const answer = answers.find((one) => one !== null);
    const size = { width: answer?.width || width, height: answer?.height || height };
    const unit = size.width / (this.#canvas.clientWidth || size.width);
    const marks = overlay(answers, { ...size, unit, anchors: this.anchors });
    this.#marks?.remove();
    this.#compass?.remove();
    this.#marks = marks;
    this.#compass = compass(answers);
    this.#figure.append(...[this.#marks, this.#compass].filter(Boolean));
    this.#fade();
  }

  /** On every frame of the screen. */
  draw() {
    if (!this.#dirty) return;
    this.#dirty = false;
    const shown = this.shown;
    if (shown) {
      this.#size();
      const context = this.#canvas.getContext('2d');
      if (shown.bitmap) context.drawImage(shown.bitmap, 0, 0, this.#canvas.width, this.#canvas.height);
      else context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    }
    say(this.#note, shown ? '' : 'No picture yet');
    this.#fade();
  }

  #size() {
    const shown = this.shown;
    if (!shown) return;
    const width = shown.bitmap?.width ?? shown.width;
    const height = shown.bitmap?.height ?? shown.height;
    if (!width || (this.#canvas.width === width && this.#canvas.height === height)) return;
    Object.assign(this.#canvas, { width, height });
    this.#figure.style.setProperty('--ratio', width / height);
  }

  #fade() {
    const groups = this.#marks?.children ?? [];
    const drawn = this.#answers.filter(Boolean);
    const stamp = this.#still ? null : this.#drawn?.stamp ?? null;
    drawn.forEach((answer, index) => {
      groups[index].style.opacity = stamp === null ? 1 : strength(answer, stamp);
    });
    if (this.#compass) this.#compass.style.opacity = stamp === null ? 1 : Math.max(...drawn.map((answer) => strength(answer, stamp)));
  }

  async #decode() {
    this.#decoding = true;
    while (this.#waiting !== null) {
      const { jpeg, stamp } = this.#waiting;
      this.#waiting = null;
      const bitmap = await createImageBitmap(jpeg).catch(() => null); // a damaged one is not shown; the next one is
      if (bitmap === null) continue;
      this.#drawn?.bitmap?.close();
      this.#drawn = { bitmap, stamp };
      this.#arrivals.push(performance.now());
      if (this.#still === null) this.#dirty = true;
    }
    this.#decoding = false;
  }
}
