// A moment to keep: an answer with its picture, sound and reasons as one page that opens by itself, or as one picture.

import { drawSpectrogram, soundOf } from './sound.js';
import { h } from './dom.js';
import { overlay } from './overlay.js';
import { pictureOf } from './picture.js';
import { raw, reasons } from './reasons.js';
import { capital, inWords, kindOf, timeOfDay } from './words.js';

const WIDTH = 960; // of both, at least, pixels
const SOUND_HEIGHT = 180;
const MARGIN_MS = 1500;
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
const STYLE = `
:root { color-scheme: light; --ink: #16191d; --soft: #555e6a; --line: #c9ced6; --accent: #1259c3; --found: #0a7a3d; --quiet: #5b6573; --away: #6b3fd4; --unsure: #8a5a00; --failed: #c02626; }
body { margin: 0 auto; padding: 24px 16px 48px; max-width: 960px; color: var(--ink); background: #fff; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; } h2 { font-size: 18px; margin: 28px 0 8px; } h3 { font-size: 15px; margin: 0; }
.soft, figcaption { color: var(--soft); } .view { position: relative; margin: 16px 0; } .view img, .sound img { display: block; width: 100%; height: auto; border-radius: 6px; }
.view svg { position: absolute; inset: 0; width: 100%; height: 100%; } figure { margin: 16px 0; }
article { border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px; margin: 10px 0; } .verdict { color: var(--failed); margin-left: 8px; }
.measured { display: grid; grid-template-columns: 11em 1fr 3em; gap: 8px; align-items: center; } .bar { width: 100%; height: 8px; } .bar-all { fill: #e6e9ee; } .bar-value { fill: var(--accent); } .bar-tick { stroke: var(--ink); stroke-width: 2; }
.tag { border: 1px solid var(--line); border-radius: 9px; padding: 0 8px; margin-right: 6px; } .reason { margin-right: 14px; } .yes { color: var(--found); } .no { color: var(--failed); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(15em, 1fr)); gap: 2px 18px; } .fact { display: flex; gap: 8px; } dt { color: var(--soft); } dd { margin: 0; }
pre { white-space: pre-wrap; font-size: 12px; } .why-words { display: none; } ol, ul { padding-left: 20px; margin: 6px 0; } p { margin: 6px 0; }`;

/** All that a moment consists of. Each part that is no longer kept is left out, and `gaps` says so. */
async function gathered(answer, theme) {
  const gaps = [];
  const orNull = (promise) => promise.catch((problem) => (gaps.push(problem.message), null));
  const [begin, end] = [answer.begin - MARGIN_MS, answer.end + MARGIN_MS];
  const [picture, strip] = await Promise.all([orNull(pictureOf(answer)), orNull(soundOf(begin, end, theme.dark))]);
  return { picture, strip, begin, end, gaps };
}

function spectrogram(canvas, answer, parts, theme, scale) {
  const context = canvas.getContext('2d');
  const [width, height] = [canvas.width / scale, canvas.height / scale];
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = theme.colours.panel;
  context.fillRect(0, 0, width, height);
  drawSpectrogram(context, { width, height, ...parts, zero: answer.begin, answers: [answer], shown: [answer], theme });
}

function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(reader.result));
    reader.addEventListener('error', () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/** The page, as text. Built of elements, in no document, and written out by the browser, so that every text stays one. */
export async function page(answers, title, tau, theme) {
  const answer = answers.find((one) => one !== null);
  const parts = await gathered(answer, theme);
  const view = h('figure', { class: 'view' });
  if (parts.picture) {
    view.append(h('img', { src: await dataUrl(parts.picture.jpeg), alt: `The picture: ${inWords(answer)}` }),
      overlay(answers, { width: answer.width, height: answer.height, unit: answer.width / WIDTH, anchors: true }));
  }
  const sound = h('figure', { class: 'sound' });
  if (parts.strip) {
    const canvas = Object.assign(document.createElement('canvas'), { width: 2 * WIDTH, height: 2 * SOUND_HEIGHT });
    spectrogram(canvas, answer, parts, theme, 2);
    sound.append(h('img', { src: canvas.toDataURL('image/png'), alt: 'The spectrogram of its sound' }), h('figcaption', {}, 'Its sound; the window that was listened to is marked.'));
  }
  const head = h('head', {}, h('meta', { charset: 'utf-8' }), h('meta', { 'http-equiv': 'Content-Security-Policy', content: POLICY }),
    h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }), h('title', {}, `${inWords(answer)} – ${title}`), h('style', {}, STYLE));
  const body = h('body', {},
    h('h1', {}, ...answers.filter(Boolean).map((one, index) => h('span', {}, index ? ' / ' : '', capital(inWords(one))))),
    h('p', { class: 'soft' }, `${title}, ${new Date(answer.stamp).toLocaleString('en-GB', { timeZoneName: 'short' })}`),
    ...parts.gaps.map((gap) => h('p', {}, `Left out: ${gap}.`)),
    view, sound,
    ...answers.filter(Boolean).flatMap((one) => [h('h2', {}, `Why${one.reasoner ? `, as ${one.reasoner} has it` : ''}`), reasons(one, tau), h('details', {}, h('summary', {}, 'All of it, as JSON'), h('pre', {}, raw(one)))]));
  return new Blob([`<!doctype html>\n${h('html', { lang: 'en' }, head, body).outerHTML}\n`], { type: 'text/html' });
}

/** The picture: what was seen with its boxes, the outcome in words, the sound. */
export async function picture(answers, title, theme) {
  const answer = answers.find((one) => one !== null);
  const parts = await gathered(answer, theme);
  const scale = Math.max(1, WIDTH / (answer.width || WIDTH));
  const width = Math.round((answer.width || WIDTH) * scale);
  const high = parts.picture ? Math.round(answer.height * scale) : 0;
  const words = 64;
  const canvas = Object.assign(document.createElement('canvas'), { width, height: high + words + (parts.strip ? SOUND_HEIGHT : 0) });
  const context = canvas.getContext('2d');
  context.fillStyle = theme.colours.panel;
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (parts.picture) {
    context.drawImage(parts.picture.bitmap, 0, 0, width, high);
    const marks = overlay(answers, { width: answer.width, height: answer.height, unit: answer.width / width, anchors: false });
    context.drawImage(await rastered(marks, width, high), 0, 0);
  }
  context.textBaseline = 'middle';
  context.fillStyle = theme.colours[kindOf(answer)];
  context.font = '700 24px system-ui, sans-serif';
  context.fillText(capital(inWords(answer)), 14, high + 22, width - 28);
  context.fillStyle = theme.colours.soft;
  context.font = '14px system-ui, sans-serif';
  context.fillText([`${new Date(answer.stamp).toISOString().slice(0, 10)} ${timeOfDay(answer.stamp)}`, answer.reasoner, title, ...parts.gaps].filter(Boolean).join(' · '), 14, high + 48, width - 28);
  if (parts.strip) {
    const sound = Object.assign(document.createElement('canvas'), { width, height: SOUND_HEIGHT });
    spectrogram(sound, answer, parts, theme, 1);
    context.drawImage(sound, 0, high + words);
  }
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

/** An SVG as an image. */
async function rastered(svg, width, height) {
  svg.setAttribute('width', width);
  svg.setAttribute('height', height);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  await image.decode();
  return image;
}

/** Have the browser keep a file. */
export function keep(blob, name) {
  const link = h('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** A file's name, without what systems do not take. */
export function nameOf(answer, kind) {
  const label = inWords(answer).split(',')[0].toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 40) || 'moment';
  return `${new Date(answer.stamp).toISOString().slice(0, 19).replace(/[:T]/g, '-')}_${label}.${kind}`;
}
