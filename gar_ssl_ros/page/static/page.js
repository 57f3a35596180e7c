// The page: what comes is handed to whoever shows it, what is asked for to whoever does it.

import { Answers } from './answers.js';
import { Connection } from './connection.js';
import { Controls } from './controls.js';
import { Health } from './health.js';
import { Meter } from './meter.js';
import { Parameters } from './parameters.js';
import { Picture } from './picture.js';
import { Playback } from './playback.js';
import { Spectrogram } from './sound.js';
import { StreamTime } from './clock.js';
import { Theme } from './theme.js';
import { Timeline } from './timeline.js';
import { byId, h, say } from './dom.js';
import { keep, nameOf, page as momentPage, picture as momentPicture } from './moment.js';
import { listenToKeys } from './keys.js';
import { raw, reasons } from './reasons.js';
import { MARKS, aloud, capital, kindOf, lines, timeOfDay } from './words.js';

const SMOOTH_MS = 30; // between draws of what moves
const SLOW_MS = 250; // and of what need not look so
const BACK_MS = 3000; // after a new connection, in which what was known comes again
const MODES = { live: 'live', clip: 'a recording, over and over', graph: 'a running graph', browser: 'camera and microphone of a browser', session: 'a session' };
const LEGEND = { found: 'localized', quiet: 'silent', away: 'out of view', unsure: 'uncertain', failed: 'failed' };

const connection = new Connection();
const time = new StreamTime(connection.clock);
const theme = new Theme(byId('theme'));
const answers = new Answers();
const picture = new Picture(byId('view'), byId('picture'), byId('picture-note'));
const meter = new Meter(Object.fromEntries([['meter', 'meter'], ['fill', 'meter-fill'], ['peak', 'meter-peak'], ['value', 'meter-value'], ['clip', 'meter-clip']].map(([name, id]) => [name, byId(id)])));
const spectrogram = new Spectrogram(byId('spectrogram'), theme);
const timeline = new Timeline(byId('timeline'), answers, theme, time);
const playback = new Playback(connection, time);
const controls = new Controls(connection);
const parameters = new Parameters(connection, byId('parameters'));
const health = new Health();
const still = matchMedia('(prefers-reduced-motion: reduce)');

let hello = { title: 'gar-ssl live', can: {}, lanes: [{ name: '' }] };
let lane = 0; // whose reasons are shown
let shown = [null, null];
let drawn = ''; // what `shown` was when it was drawn last
let sensing = false;
let stale = false; // whether answers have come since
let begun = 0; // ms, when the server said hello
let notes = ['', '']; // what is no longer kept of the picture and the sound of an answer gone back to

// --- what is looked at

const position = () => (time.playback ? picture.stamp ?? time.now() : Infinity);
const chosen = () => shown[lane] ?? shown.find((one) => one !== null) ?? null;
const tau = () => ({ av: parameters.value('tau_av'), aud: parameters.value('tau_aud') });

/** Draw anew what depends on which answers are looked at, where that is others than before. */
function look(force = false) {
  shown = answers.shown(position());
  const key = JSON.stringify([lane, answers.selected?.key, ...shown.map((one) => one && [one.key, one.stage])]);
  if (key === drawn && !force) return;
  drawn = key;
  picture.mark(shown);
  const told = shown.filter(Boolean);
  if (told.length) byId('outcomes').replaceChildren(...told.map(outcome));
  else byId('outcomes').replaceChildren(h('p', { class: 'outcome quiet' }, h('span', { class: 'what' }, 'Waiting for the first answer')));
  say(byId('aloud'), told.map(aloud).join('; '));
  const answer = chosen();
  byId('why').replaceChildren(answer ? reasons(answer, tau()) : h('p', { class: 'soft' }, 'What was seen and heard, and how it was weighed, stands here with the first answer.'));
  writeRaw();
  for (const id of ['save', 'save-picture', 'previous', 'next']) byId(id).disabled = answer === null;
  tellPast();
}

function outcome(answer) {
  const kind = kindOf(answer);
  const name = hello.lanes.length > 1 ? h('span', { class: `lane-name lane${answer.lane}` }, hello.lanes[answer.lane]?.name ?? '') : null;
  const words = lines(answer).map(([what, how], index) => h('span', { class: index ? 'what further' : 'what' }, index ? what : capital(what), how ? [', ', h('span', { class: 'how' }, how)] : null));
  const below = [answer.detail, answer.stage === 'initial' ? 'Still being refined.' : ''].filter(Boolean).join(' ');
  return h('div', { class: `outcome ${kind}` }, h('p', { class: 'outcome-words' }, name, h('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[kind]), ...words), below ? h('p', { class: 'detail' }, below) : null);
}

function writeRaw() {
  if (byId('raw').open) say(byId('raw-text'), chosen() ? raw(chosen()) : '');
}

function tellPast() {
  const back = answers.selected;
  byId('past-sign').hidden = back === null;
  document.documentElement.classList.toggle('gone-back', back !== null);
  if (back) say(byId('past-words'), [`Gone back to ${timeOfDay(back.stamp)}`, ...notes.filter(Boolean)].join('; '));
}

async function goTo(answer) {
  notes = ['', ''];
  look();
  const found = await Promise.all([picture.goTo(answer), spectrogram.goTo(answer)]);
  if ((answers.selected?.key ?? null) !== (answer?.key ?? null)) return; // gone on meanwhile
  notes = found;
  look(true);
}

answers.addEventListener('change', () => (stale = true)); // many may come at once
answers.addEventListener('select', () => goTo(answers.selected));
theme.addEventListener('change', () => look(true));

// --- what comes

const on = (type, act) => connection.addEventListener(type, ({ detail }) => act(detail));

on('hello', (message) => {
  hello = message;
  begun = performance.now();
  answers.clear();
  time.begin();
  health.forget();
  say(byId('title'), message.title);
  document.title = `${message.title} – gar-ssl live`;
  say(byId('mode'), MODES[message.mode] ?? message.mode);
  say(byId('version'), `gar-ssl ${message.version}.`);
  say(byId('live'), message.mode === 'session' ? 'Back to the session' : 'Live');
  controls.can(message.can);
  playback.can(message.can.play);
  timeline.seek = message.can.play ? (ms) => playback.seek(ms) : null;
  byId('settings').hidden = !message.can.parameters;
  showLanes();
  if (document.hidden) connection.ask({ do: 'look', on: false });
  if (message.can.sense && !sensing) {
    sensing = true;
    import('./sense.js').catch(() => (sensing = false)); // which shows its section
  }
});
on('picture', (message) => {
  time.saw(message.stamp);
  picture.see(message);
});
on('sound', (message) => {
  time.saw(message.stamp + message.count * message.step);
  spectrogram.hear(message);
  meter.hear(message);
});
on('answer', (message) => answers.put(message));
on('reset', (message) => {
  time.forget();
  picture.forget();
  spectrogram.forget();
  meter.forget();
  if (!message.answers) return;
  answers.clear();
  answers.select(null);
});
on('playback', (message) => {
  time.played(message);
  playback.tell(message);
});
on('parameters', (message) => {
  parameters.show(message);
  look(true); // the gate's thresholds may be others
});
on('enabled', (message) => controls.enabled(message));
on('recording', (message) => controls.recording(message));
on('health', (message) => health.health(message));
on('clients', (message) => health.clients(message));
on('state', (message) => {
  health.connection(message);
  document.documentElement.classList.toggle('cut', message.state === 'lost');
});

// --- what is asked for

function showLanes() {
  const two = hello.lanes.length > 1;
  byId('lanes').hidden = !two;
  document.documentElement.classList.toggle('two-lanes', two);
  if (!two) lane = 0;
  byId('lanes').replaceChildren(...hello.lanes.map(({ name }, index) => h('button', {
    type: 'button', class: `lane${index}`, 'aria-pressed': String(index === lane),
    click: () => {
      lane = index;
      showLanes();
      look(true);
    },
  }, name)));
}

async function save(kind, make) {
  const answer = chosen();
  if (!answer) return;
  const told = byId('save-told');
  told.classList.remove('bad');
  say(told, 'Saving …');
  try {
    const blob = await make([answer, ...shown.filter((one) => one !== null && one !== answer)]);
    const name = nameOf(answer, kind);
    keep(blob, name);
    say(told, `Saved as ${name}`);
  } catch (problem) {
    told.classList.add('bad');
    say(told, `It could not be saved: ${problem.message}`);
  }
}

const savePage = () => save('html', (list) => momentPage(list, hello.title, tau(), theme));
const savePicture = () => save('png', (list) => momentPicture(list, hello.title, theme));

function toggleAnchors() {
  picture.anchors = !picture.anchors;
  byId('anchors').setAttribute('aria-pressed', picture.anchors);
  picture.mark(shown);
}

const acts = {
  save: savePage, 'save-picture': savePicture, anchors: toggleAnchors, live: () => answers.select(null),
  previous: () => answers.step(-1, position()), next: () => answers.step(1, position()),
};
for (const [id, act] of Object.entries(acts)) byId(id).addEventListener('click', act);
byId('raw').addEventListener('toggle', writeRaw);
document.addEventListener('visibilitychange', () => connection.ask({ do: 'look', on: !document.hidden }));

listenToKeys([
  ['l', 'listen now', () => controls.localize()],
  ['e', 'answer windows as they come, or not', () => controls.enable()],
  ['r', 'record, or stop', () => controls.record()],
  ['ArrowLeft', 'the answer before', acts.previous],
  ['ArrowRight', 'the answer after', acts.next],
  ['Escape', 'back to what comes', acts.live],
  [' ', 'play a session, or hold it', () => playback.toggle()],
  ['a', 'anchors, or none', toggleAnchors],
  ['s', 'save this moment', savePage],
  ['p', 'save it as a picture', savePicture],
  ['t', 'theme: as the system, light, dark', () => theme.next()],
  ['?', 'this help', () => byId('help').showModal()],
], [['Home End', 'on the answers: the oldest; what comes'], ['↑ ↓', 'on the answers: the other reasoner\u2019s']]);

byId('legend').replaceChildren(...Object.entries(LEGEND).map(([kind, name]) => h('li', { class: kind }, h('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[kind]), name)));

// --- on every frame of the screen

let slow = -Infinity;
let smooth = -Infinity;
function frame(at) {
  requestAnimationFrame(frame);
  if (stale || time.playback) {
    stale = false;
    look();
  }
  picture.draw();
  const now = time.now();
  const seldom = at - slow > SLOW_MS;
  if (seldom || (!still.matches && at - smooth > SMOOTH_MS)) {
    smooth = at;
    spectrogram.draw(now, answers.all, shown);
  }
  if (seldom) {
    slow = at;
    if (answers.lost && at - begun > BACK_MS) answers.select(null);
    meter.tell();
    timeline.draw(now, Math.max(1, hello.lanes.length));
    const stamp = picture.stamp;
    health.measured({ age: stamp === null || !time.live ? null : connection.clock.now() - stamp, trip: connection.clock.trip, rate: picture.rate });
  }
  playback.draw();
}

if (location.search) history.replaceState(null, '', location.pathname); // the token is a cookie now, and nobody need see it
look(true);
connection.open();
requestAnimationFrame(frame);
