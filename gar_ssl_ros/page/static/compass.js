// Directions: where out of the picture a sound is, and a compass of all that are known.

import { s } from './dom.js';

const BEHIND = 120; // degrees from ahead, from which on it is behind rather than aside
const SIZE = 96;

const rounded = (degrees) => `${Math.abs(Math.round(degrees))}°`;

/** In words: where from ahead an angle is. Positive to the left. */
export const towards = (degrees) => (Math.abs(degrees) > 165 ? 'behind you' : Math.abs(degrees) < 3 ? 'straight ahead' : `${rounded(degrees)} to the ${degrees > 0 ? 'left' : 'right'}`);

/** At which edge of the picture to point out of it. */
export const edge = (degrees) => (Math.abs(degrees) > BEHIND ? 'bottom' : degrees > 0 ? 'left' : 'right');

/** Of answers: [azimuth, sd, kind, words]; kind: `source`, `heard` or `unmatched`. */
function known(answers) {
  const found = [];
  for (const answer of answers.filter(Boolean)) {
    for (const one of answer.sources) {
      if (one.heard_bearing != null) found.push([one.heard_bearing, 0, 'heard', `${one.label} is heard ${towards(one.heard_bearing)}`]);
      if (one.bearing != null) found.push([one.bearing, 0, `source lane${answer.lane}`, `${one.label} is seen ${towards(one.bearing)}`]);
    }
    for (const one of answer.unmatched) {
      if (one.azimuth == null) continue;
      found.push([one.azimuth, one.sd ?? 0, 'unmatched', `a sound is heard ${one.description || towards(one.azimuth)}`]);
      if (!one.front_back_known) found.push([Math.sign(one.azimuth || 1) * 180 - one.azimuth, one.sd ?? 0, 'mirror', 'or mirrored, behind']);
    }
  }
  return found;
}

/** An SVG, ahead on top; null where no direction is known. */
export function compass(answers) {
  const found = known(answers);
  if (!found.length) return null;
  const [middle, radius] = [SIZE / 2, SIZE / 2 - 13];
  const spot = (degrees, far) => [middle - far * Math.sin((degrees * Math.PI) / 180), middle - far * Math.cos((degrees * Math.PI) / 180)];
  const marks = found.map(([degrees, sd, kind]) => {
    const [x, y] = spot(degrees, radius);
    if (!kind.startsWith('source')) {
      const half = Math.min(90, Math.max(4, sd));
      const [from, to] = [spot(degrees + half, radius), spot(degrees - half, radius)];
      return s('path', { class: `compass-${kind}`, d: `M${middle} ${middle}L${from}A${radius} ${radius} 0 0 1 ${to}Z` });
    }
    return s('circle', { class: `compass-${kind}`, cx: x, cy: y, r: 5 });
  });
  return s('svg', { class: 'compass', viewBox: `0 0 ${SIZE} ${SIZE}`, role: 'img', 'aria-label': `Directions: ${found.map((one) => one[3]).join('; ')}` },
    s('circle', { class: 'compass-rim', cx: middle, cy: middle, r: radius + 10 }),
    s('circle', { class: 'compass-circle', cx: middle, cy: middle, r: radius }),
    s('path', { class: 'compass-ahead', d: `M${middle} ${middle - 9}l5 12h-10z` }),
    s('text', { class: 'compass-name', x: middle, y: 10, 'text-anchor': 'middle' }, 'ahead'),
    ...marks);
}
