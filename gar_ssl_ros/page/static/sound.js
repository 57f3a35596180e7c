// The spectrogram: sound as columns along time, and over it the windows that were answered.

import { colormap } from './colormap.js';
import { sharp } from './dom.js';
import { soundsOf } from './wire.js';
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
const ROW = 5; // CSS pixels, of a window's mark
const ROWS = 6; // a lane

/** Columns of so many ms, the newest in place of the oldest; drawn once each. */
export class Strip {
  #count;
  #values;
  #there; // whether that column has come
  #canvas;
  #colours;
  #newest = null; // index of the newest column, counted from the epoch

  constructor(ms, dark) {
    this.#count = Math.ceil(ms / STEP_MS) + 1;
    this.#values = new Uint8Array(this.#count * BANDS);
    this.#there = new Uint8Array(this.#count);
    this.#canvas = Object.assign(document.createElement('canvas'), { width: this.#count, height: BANDS });
    this.colour(dark);
  }

  colour(dark) {
    this.#colours = colormap(dark);
    for (let at = 0; at < this.#count; at++) this.#paint(at);
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
    this.#there.fill(0);
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
    this.#there[at] = bands === null ? 0 : 1;
    if (bands !== null) this.#values.set(bands.subarray(0, BANDS), at * BANDS);
    this.#paint(at);
  }

  #paint(at) {
    const pixels = new ImageData(1, BANDS); // empty where nothing has come, unlike silence
    for (let band = 0; this.#there[at] && band < BANDS; band++) {
      const value = this.#values[at * BANDS + band];
      const level = Math.round((255 * Math.min(HIGH_V - LOW_V, Math.max(0, value - LOW_V))) / (HIGH_V - LOW_V));
      pixels.data.set(this.#colours.subarray(4 * level, 4 * level + 4), 4 * (BANDS - 1 - band));
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
    const back = { strip: null, begin, end, zero: answer.begin };
    this.#back = back;
    try {
      back.strip = await soundOf(begin, end, this.#theme.dark);
      this.#dirty = true;
      return '';
    } catch (problem) {
      return problem.message;
    }
  }

  /** now: ms, the right edge of what comes. answers: of all lanes. shown: those looked at. */
  draw(now, answers, shown) {
    if (this.#back !== null && !this.#dirty) return;
    this.#dirty = false;
    const { context, width, height } = sharp(this.#canvas);
    const what = this.#back ?? { begin: now - SHOWN_MS, end: now, zero: null, strip: this.#live };
    drawSpectrogram(context, { width, height, ...what, answers, shown, theme: this.#theme });
  }
}

/** Everything of a spectrogram. zero: the time that seconds count from; null where they are `s ago`, from its end. */
export function drawSpectrogram(context, { width, height, begin, end, zero, strip, answers, shown, theme }) {
  const colours = theme.colours;
  const bottom = height - AXIS;
  const at = (ms) => (width * (ms - begin)) / (end - begin);
  const windows = inRows(answers, begin, end);
  const top = ROW * windows.rows + (windows.rows ? 3 : 0);
  strip?.draw(context, begin, end, 0, top, width, bottom - top);
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
  drawTimes(context, { width, bottom, begin, end, zero, at, colours });
  for (const [hertz, name] of HERTZ) {
    const y = top + (bottom - top) * (1 - Math.log2(hertz / LOWEST_HZ) / OCTAVES);
    context.fillStyle = colours.soft;
    context.fillRect(0, y, 5, 1);
    context.textAlign = 'left';
    halo(name, 8, Math.max(top + 7, Math.min(bottom - 7, y)));
  }
  for (const [answer, row] of windows.placed) drawWindow(context, { answer, row, top, bottom, at, shown, colours, halo });
}

function drawTimes(context, { width, bottom, begin, end, zero, at, colours }) {
  const step = [1000, 2000, 5000, 10000].find((ms) => (width * ms) / (end - begin) > 76) ?? 20000;
  const from = zero ?? end;
  for (let ms = from - Math.floor((from - begin) / step) * step; ms <= end; ms += step) {
    const x = at(ms);
    const seconds = Math.round((ms - from) / 1000);
    context.fillStyle = colours.soft;
    context.fillRect(x, bottom, 1, 4);
    context.textAlign = x > width - 24 ? 'right' : x < 24 ? 'left' : 'center';
    context.fillText(zero !== null ? `${seconds} s` : seconds === 0 ? 'now' : `${-seconds} s ago`, x, bottom + AXIS / 2 + 2);
  }
}

/** Windows of that time, each with a row for its mark, those that overlap under each other; one lane below the other. */
function inRows(answers, begin, end) {
  const placed = [];
  let rows = 0;
  for (const lane of [0, 1]) {
    const till = [];
    for (const answer of answers.filter((one) => one.lane === lane && one.end > begin && one.begin < end)) {
      const free = till.findIndex((time) => time <= answer.begin + 1);
      const row = free >= 0 ? free : Math.min(till.length, ROWS - 1);
      till[row] = answer.end;
      placed.push([answer, rows + row]);
    }
    rows += till.length;
  }
  return { placed, rows };
}

/** Its mark, and lines around the one that is looked at. */
function drawWindow(context, { answer, row, top, bottom, at, shown, colours, halo }) {
  const [left, right] = [at(answer.begin), at(answer.end)];
  const looked = shown.includes(answer);
  context.fillStyle = colours[kindOf(answer)];
  context.globalAlpha = looked ? 1 : 0.55;
  context.fillRect(left + 1, row * ROW + 1, Math.max(1, right - left - 2), ROW - 2);
  context.globalAlpha = 1;
  if (!looked || answer !== shown.find((one) => one !== null)) return;
  context.lineWidth = 2;
  context.strokeStyle = colours.panel;
  context.strokeRect(left, top, right - left, bottom - top - 1);
  context.setLineDash([5, 3]);
  context.strokeStyle = colours[kindOf(answer)];
  context.strokeRect(left, top, right - left, bottom - top - 1);
  context.setLineDash([]);
  const from = Math.max(left, 0) + (left < 34 ? 44 : 5);
  if (right - from < 60) return;
  context.save();
  context.beginPath();
  context.rect(from - 2, top, right - from, bottom - top);
  context.clip();
  context.textAlign = 'left';
  halo(lines(answer)[0]?.[0] ?? '', from, top + 10, colours.ink);
  context.restore();
}
