// Elements, made so that a text can never become one: what a model or a stranger says goes in as text only.

const SVG = 'http://www.w3.org/2000/svg';

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** An HTML element; a function among the attributes listens to the event of that name. */
export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

/** An SVG element. */
export const s = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

export const byId = (id) => document.getElementById(id);

/** Set a text where it is another one: what has not changed is not read out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A canvas's context, its pixels those of the screen; `width` and `height` in CSS pixels. */
export function sharp(canvas) {
  const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** A bar of 0..1, with a tick at `threshold` where there is one. */
export function bar(value, threshold = null) {
  const share = (of) => `${(100 * Math.min(1, Math.max(0, Number(of) || 0))).toFixed(1)}%`;
  return s('svg', { class: 'bar', 'aria-hidden': 'true' },
    s('rect', { class: 'bar-all', width: '100%', height: '100%', rx: 3 }),
    s('rect', { class: 'bar-value', width: share(value), height: '100%', rx: 3 }),
    threshold == null ? null : s('line', { class: 'bar-tick', x1: share(threshold), x2: share(threshold), y1: 0, y2: '100%' }));
}
