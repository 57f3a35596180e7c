// The answers along time: one looks at, goes back in, and sees what the day was like.

import { sharp } from './dom.js';
import { MARKS, inWords, kindOf, timeOfDay } from './words.js';

const SPANS_MS = [60000, 120000, 300000, 600000, 1200000, 3600000]; // of which the shortest that holds all is shown
const AXIS = 16; // CSS pixels below, of the axis of time
const STILL_MS = 1000; // for which it can stay as it is
const NEAR = 8; // of a mark, to be meant
const TICKS_MS = [5000, 10000, 30000, 60000, 120000, 300000, 600000, 1800000, 3600000];
const HEIGHTS = { found: 1, away: 0.7, unsure: 0.55, failed: 0.85, quiet: 0.25 };

export class Timeline {
  #canvas;
  #answers;
  #theme;
  #seek;
  #drawn = -Infinity; // ms, when it was last
  #lanes = 1;
  #drawnRange = [0, 1];

  /** seek: what to do with a time that was clicked where no answer is; nothing where null. */
  constructor(canvas, answers, theme, time) {
    this.#canvas = canvas;
    this.#answers = answers;
    this.#theme = theme;
    this.time = time;
    const stale = () => (this.#drawn = -Infinity);
    for (const [source, type] of [[answers, 'change'], [answers, 'select'], [theme, 'change']]) source.addEventListener(type, stale);
    new ResizeObserver(stale).observe(canvas);
    canvas.addEventListener('click', (event) => this.#click(event));
    canvas.addEventListener('pointermove', (event) => {
      const { nearest } = this.#at(event);
      canvas.title = nearest ? `${timeOfDay(nearest.stamp)}: ${inWords(nearest)}` : '';
    });
    canvas.addEventListener('keydown', (event) => this.#key(event));
  }

  set seek(seek) {
    this.#seek = seek;
  }

  /** now: ms, the right edge; in a session the place that is played. lanes: how many. */
  draw(now, lanes) {
    if (performance.now() - this.#drawn < STILL_MS && !this.time.playback) return;
    this.#drawn = performance.now();
    const { context, width, height } = sharp(this.#canvas);
    const colours = this.#theme.colours;
    const playback = this.time.playback;
    const all = this.#answers.all;
    const [begin, end] = (this.#drawnRange = this.#range(now));
    this.#lanes = lanes;
    const bottom = height - AXIS;
    const at = (ms) => 3 + ((width - 6) * (ms - begin)) / (end - begin);
    this.#axis(context, { width, bottom, begin, end, at, colours, playback });
    const lane = bottom / lanes;
    const selected = this.#answers.selected;
    const shown = this.#answers.shown(playback ? now : Infinity);
    for (const answer of all) {
      if (answer.stamp < begin || answer.lane >= lanes) continue;
      const kind = kindOf(answer);
      const [x, base] = [at(answer.stamp), (answer.lane + 1) * lane - 2];
      const high = (lane - 6) * HEIGHTS[kind];
      const wide = answer === selected ? 5 : 3;
      context.fillStyle = colours[kind];
      context.globalAlpha = answer.stage === 'initial' ? 0.5 : 1;
      context.fillRect(x - wide / 2, base - high, wide, high);
      if (kind === 'failed' || kind === 'unsure') mark(context, MARKS[kind], x, base - high - 5);
      context.globalAlpha = 1;
      if (!shown.includes(answer)) continue;
      context.strokeStyle = colours.ink;
      context.lineWidth = answer === selected ? 2 : 1;
      context.strokeRect(x - wide / 2 - 2.5, answer.lane * lane + 1.5, wide + 5, lane - 3);
    }
    if (playback) {
      context.fillStyle = colours.accent;
      context.fillRect(at(now) - 1, 0, 2, bottom);
    }
    this.#tell(selected, shown);
  }

  /** From when to when, ms. */
  #range(now) {
    const playback = this.time.playback;
    if (playback) return [playback.begin, Math.max(playback.end, playback.begin + 1)];
    const all = this.#answers.all;
    const oldest = all.reduce((least, one) => Math.min(least, one.stamp), Infinity);
    const span = SPANS_MS.find((ms) => now - oldest <= ms) ?? SPANS_MS[all.length ? SPANS_MS.length - 1 : 0];
    return [now - (all.length ? span : SPANS_MS[0]), now];
  }

  #axis(context, { width, bottom, begin, end, at, colours, playback }) {
    context.fillStyle = colours.line;
    context.fillRect(0, bottom - 1, width, 1);
    context.font = '11px system-ui, sans-serif';
    context.textBaseline = 'middle';
    const step = TICKS_MS.find((ms) => ((width - 6) * ms) / (end - begin) > 80) ?? TICKS_MS.at(-1);
    for (let ms = Math.ceil(begin / step) * step; ms <= end; ms += step) {
      const x = at(ms);
      context.fillStyle = colours.line;
      context.fillRect(x, bottom, 1, 4);
      context.fillStyle = colours.soft;
      context.textAlign = x > width - 30 ? 'right' : x < 30 ? 'left' : 'center';
      context.fillText(timeOfDay(ms), x, bottom + AXIS / 2 + 2);
    }
    if (!playback && this.#answers.all.length === 0) {
      context.fillStyle = colours.soft;
      context.textAlign = 'center';
      context.fillText('no answers yet', width / 2, bottom / 2);
    }
  }

  #tell(selected, shown) {
    const list = this.#answers.lane(selected?.lane ?? 0);
    const one = selected ?? shown.find((each) => each !== null);
    const told = {
      'aria-valuemin': 0, 'aria-valuemax': Math.max(0, list.length - 1), 'aria-valuenow': one ? Math.max(0, list.indexOf(one)) : 0,
      'aria-valuetext': selected ? `${timeOfDay(selected.stamp)}: ${inWords(selected)}` : `live, ${this.#answers.all.length} answers`,
    };
    for (const [name, value] of Object.entries(told)) {
      if (this.#canvas.getAttribute(name) !== String(value)) this.#canvas.setAttribute(name, value);
    }
  }

  /** The time there, and the answer nearest to it. */
  #at(event) {
    const [begin, end] = this.time.playback ? this.#range() : this.#drawnRange; // a session may have come since
    const width = this.#canvas.clientWidth;
    const ms = begin + ((event.offsetX - 3) / (width - 6)) * (end - begin);
    const lane = Math.min(this.#lanes - 1, Math.max(0, Math.floor((event.offsetY / (this.#canvas.clientHeight - AXIS)) * this.#lanes)));
    const far = (one) => Math.abs(one.stamp - ms);
    const nearest = this.#answers.lane(lane).reduce((best, one) => (best === null || far(one) < far(best) ? one : best), null);
    return { ms, nearest, away: nearest ? (far(nearest) / (end - begin)) * width : Infinity };
  }

  #click(event) {
    const { ms, nearest, away } = this.#at(event);
    const meant = nearest !== null && (!this.#seek || away <= NEAR);
    if (meant) this.#answers.select(nearest.key);
    else this.#seek?.(ms);
  }

  #key(event) {
    const lane = this.#answers.lane(this.#answers.selected?.lane ?? 0);
    const acts = {
      Home: () => lane.length && this.#answers.select(lane[0].key),
      End: () => this.#answers.select(null),
      ArrowUp: () => this.#answers.cross(),
      ArrowDown: () => this.#answers.cross(),
      PageUp: () => this.#answers.step(-10, this.time.playback ? this.time.now() : Infinity),
      PageDown: () => this.#answers.step(10, this.time.playback ? this.time.now() : Infinity),
    };
    if (!acts[event.key]) return; // left and right are the whole page's
    event.preventDefault();
    acts[event.key]();
  }
}

function mark(context, text, x, y) {
  context.font = '700 10px system-ui, sans-serif';
  context.textAlign = 'center';
  context.fillText(text, x, Math.max(5, y));
}
