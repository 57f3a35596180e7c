// An answer over the picture that it is about, as SVG in that picture's pixels.

import { edge, towards } from './compass.js';
import { maskPath } from './mask.js';
import { s } from './dom.js';
import { percent, sureness } from './words.js';

const FONT = 14; // CSS pixels
const PAD = 5;
export const LANES = ['#4ade80', '#ff8ad8'];
export const HEARD = '#ffe08a';
const DARK = '#0b0d10';
const pen = document.createElement('canvas').getContext('2d');

/** answers: one a lane or null. unit: picture pixels a CSS pixel. anchors: whether to show those, too. */
export function overlay(answers, { width, height, unit, anchors }) {
  const taken = [];
  const groups = answers.map((answer) => answer && s('g', { class: `lane lane${answer.lane}` },
    ...answer.sources.map((one) => sourceMarks(one, answer, { width, height, unit, anchors, taken })),
    ...directionMarks(answer, { width, height, unit, taken })));
  return s('svg', { class: 'overlay', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', 'aria-hidden': 'true', 'font-family': 'system-ui, sans-serif', 'font-size': FONT * unit, 'font-weight': 600 }, ...groups);
}

/** A shape with a dark one beneath, to be seen on every picture. */
function twice(tag, attributes, colour, line, unit) {
  const stroke = (color, extra, opacity) => s(tag, { fill: 'none', stroke: color, 'stroke-width': (line + extra) * unit, 'stroke-opacity': opacity, ...attributes });
  return [stroke(DARK, 2.5, 0.6), stroke(colour, 0, 1)];
}

function rectangle([left, top, right, bottom], colour, line, unit, dashed) {
  const attributes = { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top), rx: 2 * unit };
  if (dashed) attributes['stroke-dasharray'] = `${7 * unit} ${5 * unit}`;
  return twice('rect', attributes, colour, line, unit);
}

function chip(text, x, y, colour, { width, height, unit, taken }, anchor = 'start') {
  pen.font = `600 ${FONT}px system-ui, sans-serif`;
  const [wide, high] = [(pen.measureText(text).width + 2 * PAD) * unit, (FONT + 2 * PAD) * unit];
  let left = Math.max(0, Math.min(width - wide, anchor === 'end' ? x - wide : anchor === 'middle' ? x - wide / 2 : x));
  let top = Math.max(0, Math.min(height - high, y));
  const meets = (one) => left < one[2] && left + wide > one[0] && top < one[3] && top + high > one[1];
  for (let tries = 0; tries < 8 && taken.some(meets); tries++) top = Math.min(height - high, top + high);
  taken.push([left, top, left + wide, top + high]);
  return s('g', {},
    s('rect', { x: left, y: top, width: wide, height: high, rx: 3 * unit, fill: DARK, 'fill-opacity': 0.82 }),
    s('rect', { x: left, y: top, width: 3 * unit, height: high, fill: colour }),
    s('text', { x: left + (PAD + 1) * unit, y: top + (FONT + PAD - 1.500) * unit, fill: colour }, text));
}

function sourceMarks(source, answer, view) {
  const { unit, anchors } = view;
  if (source.box.includes(null)) return null; // of a foreign program: nowhere
  const colour = LANES[answer.lane];
  const initial = answer.stage === 'initial';
  const marks = source.mask ? [s('path', { class: 'mask', d: maskPath(source.mask), fill: colour, 'fill-opacity': 0.35, 'shape-rendering': 'crispEdges' })] : [];
  if (source.refined && !initial) marks.push(...rectangle(source.initial_box, colour, 1.5, unit, true));
  const out = answer.lane * 4 * unit; // so that two reasoners' boxes can be told apart where they agree
  const [left, top, right, bottom] = source.box;
  marks.push(...rectangle([left - out, top - out, right + out, bottom + out], colour, 3, unit, initial));
  const name = `${source.label || 'sound'} #${source.id}`;
  marks.push(chip(initial ? `${name} …` : `${name}  ${percent(sureness(source))}`, source.box[0] - 1.5 * unit, source.box[1] - (FONT + 2 * PAD + 3) * unit, colour, view));
  for (const vote of anchors ? source.anchor_votes : []) {
    const [x, y] = vote.point;
    if (x == null || y == null) continue;
    marks.push(...twice('circle', { cx: x, cy: y, r: (3 + 4 * vote.score) * unit }, colour, 2, unit));
    marks.push(chip(`${vote.anchor.replaceAll('_', ' ')} ${percent(vote.score)}`, x + 10 * unit, y - (FONT / 2 + PAD) * unit, colour, view));
  }
  return s('g', { 'data-source': source.id }, ...marks);
}

/** What is heard and is no source: a ray where it lies in the picture, else an arrow at the edge that it lies beyond. */
function directionMarks(answer, view) {
  const { width, height, unit } = view;
  return answer.unmatched.filter((one) => one.azimuth != null).map((one) => {
    const words = one.description || towards(one.azimuth);
    const inside = Array.isArray(answer.directions) && answer.directions.find((told) => told?.id === one.id && typeof told.x === 'number');
    if (inside) {
      const spread = Math.max(2 * unit, Number(inside.spread) || 0);
      return s('g', { class: 'ray' },
        s('rect', { x: inside.x - spread, y: 0, width: 2 * spread, height, fill: HEARD, 'fill-opacity': 0.18 }),
        ...twice('line', { x1: inside.x, x2: inside.x, y1: 0, y2: height, 'stroke-dasharray': `${4 * unit} ${4 * unit}` }, HEARD, 2, unit),
        chip(words, inside.x + 4 * unit, 4 * unit, HEARD, view));
    }
    const side = edge(one.azimuth);
    const [x, y] = { left: [0, height / 2], right: [width, height / 2], bottom: [width / 2, height] }[side];
    const turn = { left: 0, right: 180, bottom: 270 }[side];
    const arrow = { transform: `translate(${x} ${y}) rotate(${turn}) scale(${unit})`, d: 'M5 0l22 -16v10h22v12h-22v10z', fill: HEARD, stroke: DARK, 'stroke-width': 1.5 };
    const [anchor, left] = { left: ['start', 5 * unit], right: ['end', width - 5 * unit], bottom: ['middle', width / 2] }[side];
    return s('g', { class: `arrow arrow-${side}` }, s('path', arrow),
      chip(words, left, side === 'bottom' ? height - 80 * unit : y + 20 * unit, HEARD, view, anchor));
  });
}
