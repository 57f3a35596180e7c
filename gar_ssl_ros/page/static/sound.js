// The spectrogram: sound as columns along time, and over it the windows that were answered.

import { colormap } from './colormap.js';
import { sharp } from './dom.js';
import { soundsOf } from './connection.js';
import { kindOf, lines } from './words.js';

const BANDS = 64;
const LEVELS = 2; // a column's first values
const STEP_MS = 20;
const SHOWN_MS = 20000;
const MARGIN_MS = 1500; // on either side of a window gone back to
const LOW_V = 30; // -88 dB, shown as the ground
const HIGH_V = 215; // -16 dB
const LOWEST_HZ = 60;
const OCTAVES = Math.log2(8000 / LOWEST_HZ);
const HERTZ = [[100, '100'], [500, '500'], [2000, '2 k'], [8000, '8 kHz']];
const AXIS = 16; // CSS pixels below, of the axis of time
const ROW = 7; // of a window's mark
const ROWS = 4;

/** Columns of so many ms, the newest in place of the oldest; drawn once each. */
export class Strip {
  #count;
  #values;
  #canvas;
  #colours;
  #newest = null; // index of the newest column, counted from the epoch

  constructor(ms, dark) {
    this.#count = Math.ceil(ms / STEP_MS) + 1;
    this.#values = new Uint8Array(this.#count * BANDS);
    this.#canvas = Object.assign(document.createElement('canvas'), { width: this.#count, height: BANDS });
    this.colour(dark);
  }

  colour(dark) {
    this.#colours = colormap(dark);
    for (let at = 0; at < this.#count; at++) this.#paint(at, 1);
  }

  add({ stamp, size, count, values }) {
    const first = Math.round(stamp / STEP_MS);
    if (this.#newest !== null && first < this.#newest - this.#count) this.clear(); // time has jumped back
    const begin = this.#newest === null ? first : Math.max(this.#newest + 1, first - this.#count);
    for (let index = begin; index < first; index++) this.#set(index, null); // what did not come is empty
    for (let column = 0; column < count; column++) {
      this.#set(first + column, values.subarray(column * size + LEVELS, (column + 1) * size));
    }
    this.#newest = Math.max(this.#newest ?? 0, first + count - 1);
  }

  clear() {
    this.#newest = null;
    this.#values.fill(0);
    this.#canvas.getContext('2d').clearRect(0, 0, this.#count, BANDS);
  }

  /** From `begin` to `end`, ms, into a rectangle. */
  draw(context, begin, end, left, top, width, height) {
    if (this.#newest === null) return;
    const first = Math.max(Math.floor(begin / STEP_MS), this.#newest - this.#count + 1);
    const last = Math.min(Math.ceil(end / STEP_MS), this.#newest + 1);
    const at = (index) => left + (width * (index * STEP_MS - begin)) / (end - begin);
    context.imageSmoothingEnabled = true;
    for (let index = first; index < last;) {
      const from = index % this.#count;
      const count = Math.min(last - index, this.#count - from);
      context.drawImage(this.#canvas, from, 0, count, BANDS, at(index), top, at(index + count) - at(index), height);
      index += count;
    }
  }

  #set(index, bands) {
    const at = index % this.#count;
    this.#values.fill(0, at * BANDS, (at + 1) * BANDS);
    if (bands !== null) this.#values.set(bands.subarray(0, BANDS), at * BANDS);
    this.#paint(at, 1);
  }

  #paint(at) {
    const pixels = new ImageData(1, BANDS);
    for (let band = 0; band < BANDS; band++) {
      const value = this.#values[at * BANDS + band];
      const level = Math.round((255 * Math.min(HIGH_V - LOW_V, Math.max(0, value - LOW_V))) / (HIGH_V - LOW_V));
      pixels.data.set(this.#colours.subarray(4 * level, 4 * level + 4), 4 * (BANDS - 1 - band));
      if (value === 0) pixels.data[4 * (BANDS - 1 - band) + 3] = 0;
    }
    this.#canvas.getContext('2d').putImageData(pixels, at, 0);
  }
}

/** The columns of an interval, as the server keeps them. */
export async function soundOf(begin, end, dark) {
  const strip = new Strip(end - begin, dark);
  const reply = await fetch(`sound?begin=${begin}&end=${end}`);
  if (!reply.ok) throw new Error('its sound is no longer kept');
  let some = false;
  for (const sound of soundsOf(await reply.arrayBuffer())) {
    strip.add(sound);
    some = true;
  }
  if (!some) throw new Error('its sound is no longer kept');
  return strip;
}

export class Spectrogram {
  #canvas;
  #theme;
  #live;
  #back = null; // {strip, begin, end} of an answer gone back to
  #dirty = true;

  constructor(canvas, theme) {
    this.#canvas = canvas;
    this.#theme = theme;
    this.#live = new Strip(SHOWN_MS + 5000, theme.dark);
    theme.addEventListener('change', () => {
      this.#live.colour(theme.dark);
      this.#back?.strip?.colour(theme.dark);
      this.#dirty = true;
    });
    new ResizeObserver(() => (this.#dirty = true)).observe(canvas);
  }

  hear(sound) {
    this.#live.add(sound);
  }

  forget() {
    this.#live.clear();
  }

  /** Show an answer's window; null for what comes now. The reason, where its sound is not there. */
  async goTo(answer) {
    this.#dirty = true;
    if (answer === null) {
      this.#back = null;
      return '';
    }
    const [begin, end] = [answer.begin - MARGIN_MS, answer.end + MARGIN_MS];
    const back = { strip: null, begin, end, key: answer.key };
    this.#back = back;
    try {
      back.strip = await soundOf(begin, end, this.#theme.dark);
      this.#dirty = true;
      return '';
    } catch (problem) {
      return problem.message;
    }
  }

  get back() {
    return this.#back !== null;
  }

  /** now: ms, the right edge of what comes. answers: of all lanes. shown: those looked at. */
  draw(now, answers, shown) {
    if (this.#back !== null && !this.#dirty) return;
    this.#dirty = false;
    const { context, width, height } = sharp(this.#canvas);
    const [begin, end] = this.#back ? [this.#back.begin, this.#back.end] : [now - SHOWN_MS, now];
    drawSpectrogram(context, { width, height, begin, end, now, strip: this.#back ? this.#back.strip : this.#live, answers, shown, theme: this.#theme });
  }
}

/** Everything of a spectrogram. now: what `s ago` counts from; null where it counts from `begin`. */
export function drawSpectrogram(context, { width, height, begin, end, now, strip, answers, shown, theme }) {
  const colours = theme.colours;
  const bottom = height - AXIS;
  const at = (ms) => (width * (ms - begin)) / (end - begin);
  strip?.draw(context, begin, end, 0, 0, width, bottom);
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  const halo = (text, x, y, colour = colours.ink) => {
    context.lineWidth = 3;
    context.lineJoin = 'round';
    context.strokeStyle = colours.panel;
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  };
  drawTimes(context, { width, bottom, begin, end, now, at, colours });
  for (const [hertz, name] of HERTZ) {
    const y = bottom * (1 - Math.log2(hertz / LOWEST_HZ) / OCTAVES);
    context.fillStyle = colours.line;
    context.fillRect(0, y, 5, 1);
    context.textAlign = 'left';
    halo(name, 8, Math.max(7, Math.min(bottom - 7, y)));
  }
  drawWindows(context, { width, bottom, begin, end, at, answers, shown, colours, halo });
}

function drawTimes(context, { width, bottom, begin, end, now, at, colours }) {
  const step = end - begin > 12000 ? 5000 : 1000;
  const from = now ?? begin;
  for (let ms = from - Math.floor((from - begin) / step) * step; ms <= end; ms += step) {
    const x = at(ms);
    const ago = Math.round((from - ms) / 1000);
    context.fillStyle = colours.line;
    context.fillRect(x, bottom, 1, 4);
    context.fillStyle = colours.soft;
    context.textAlign = x > width - 24 ? 'right' : x < 24 ? 'left' : 'center';
    context.fillText(now === null ? `${-ago} s` : ago === 0 ? 'now' : `${ago} s ago`, x, bottom + AXIS / 2 + 2);
  }
}

/** A mark a window, from its begin to its end, those that overlap under each other; lines around the one looked at. */
function drawWindows(context, { width, bottom, begin, end, at, answers, shown, colours, halo }) {
  const rows = [];
  const lanes = [];
  for (const answer of answers) {
    const row = rows[answer.lane] ??= new Array(ROWS).fill(-Infinity);
    const free = Math.max(0, row.findIndex((till) => till <= answer.begin + 1));
    row[free] = answer.end;
    if (answer.end > begin && answer.begin < end) lanes.push([answer, free]);
  }
  for (const [answer, row] of lanes) {
    const colour = colours[kindOf(answer)];
    const [left, right] = [at(answer.begin), at(answer.end)];
    const looked = shown.includes(answer);
    const y = answer.lane === 0 ? 3 + row * ROW : bottom - 3 - (row + 1) * ROW;
    context.fillStyle = colours.panel;
    context.fillRect(left, y - 1, right - left, ROW - 1);
    context.fillStyle = colour;
    context.globalAlpha = looked ? 1 : 0.75;
    context.fillRect(left + 1, y, Math.max(1, right - left - 2), ROW - 3);
    context.globalAlpha = 1;
    if (!looked || answer.lane !== shown.find((one) => one !== null)?.lane) continue;
    context.setLineDash([4, 3]);
    context.lineWidth = 1.5;
    context.strokeStyle = colour;
    context.strokeRect(left, 1, right - left, bottom - 2);
    context.setLineDash([]);
    context.textAlign = 'left';
    const words = lines(answer)[0]?.[0] ?? '';
    if (right - left > 60) {
      context.save();
      context.beginPath();
      context.rect(Math.max(0, left), 0, Math.min(width, right) - Math.max(0, left), bottom);
      context.clip();
      halo(words, Math.max(left, 0) + (left < 30 ? 40 : 5), ROWS * ROW + 12, colour);
      context.restore();
    }
  }
}
