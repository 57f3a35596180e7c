// Logs, in a page, what comes and when it is drawn: before the page's own scripts run.

const now = () => performance.timeOrigin + performance.now();
const log = window.watched = { pictures: [], received: 0, levels: [], answers: [], boxes: [], first: null };
let heard = null, newest = null;
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(address) {
    super(address);
    if (!String(address).endsWith('/stream')) return;
    this.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') {
        const message = JSON.parse(data);
        if (message.type === 'answer') {
          const { key, begin, end, stamp, outcome, sources, latency, skew } = message;
          const boxes = sources.map((one) => one.box);
          newest = { key, begin, end, stamp, outcome, boxes, latency, skew, came: now() };
          log.answers.push(newest);
        }
        return;
      }
      const view = new DataView(data);
      if (view.getUint8(0) === 1) log.received += 1;
      else heard = view.getFloat64(8, true) + view.getUint16(2, true) * view.getFloat32(4, true);
    });
  }
};
const stamps = new WeakMap();
const RealBlob = window.Blob;
window.Blob = class extends RealBlob {
  constructor(parts, options) {
    super(parts, options);
    const buffer = parts?.[0]?.buffer;
    if (options?.type !== 'image/jpeg' || !(buffer?.byteLength > 16)) return;
    stamps.set(this, new DataView(buffer).getFloat64(8, true));
  }
};
const decode = window.createImageBitmap;
window.createImageBitmap = async (source, ...more) => {
  const bitmap = await decode(source, ...more);
  if (stamps.has(source)) stamps.set(bitmap, stamps.get(source));
  return bitmap;
};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (source, ...more) {
  draw.call(this, source, ...more);
  if (!stamps.has(source) || this.canvas.id !== 'picture') return;
  const stamp = stamps.get(source);
  log.first ??= performance.now();
  requestAnimationFrame(() => log.pictures.push([now(), stamp]));
};
addEventListener('DOMContentLoaded', () => {
  new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
    if (!newest || !added.some((one) => one.matches?.('svg.overlay') && one.querySelector('rect'))) return;
    const answer = newest;
    requestAnimationFrame(() => log.boxes.push({ drawn: now(), ...answer }));
  }).observe(document.getElementById('view'), { childList: true });
  new MutationObserver(() => {
    const end = heard;
    requestAnimationFrame(() => log.levels.push([now(), end]));
  }).observe(document.getElementById('meter-fill'), { attributes: true, attributeFilter: ['style'] });
});
