// This page's own camera and microphone as the robot's: the section that starts them, and says how they are.

import { h, say } from './dom.js';
import { Camera } from './sense_camera.js';
import { Link } from './sense_link.js';
import { Microphone } from './sense_microphone.js';

const COUNT_MS = 1000;
const DENIED = ['NotAllowedError', 'SecurityError'];
const MISSING = ['NotFoundError', 'OverconstrainedError'];

/** Why there is no camera, or microphone: a sentence. */
function why(kind, { name, message }) {
  if (DENIED.includes(name)) return `The browser keeps the ${kind} from this page: allow it beside the address, then start again.`;
  if (MISSING.includes(name)) return `No such ${kind} is here: plug one in, or choose another.`;
  if (name === 'NotReadableError' || name === 'AbortError') return `The ${kind} is in use, or does not answer: close what uses it, then start again.`;
  return `The ${kind} does not work (${message || name}): try another.`;
}

class Sense {
  #link = null;
  #camera = null;
  #microphone = null;
  #lock = null;
  #counted = [0, 0];
  #says = Object.fromEntries(['link', 'camera', 'microphone'].map((part) => [part, h('p', { class: `sense-${part}` })]));
  #rate = h('p', { class: 'soft number' }); // apart, since it is told each second
  #button = h('button', { type: 'button', class: 'main-button' });
  #video = h('video', { playsinline: true, width: 120, 'aria-label': 'what this camera sees' });
  #choice = {
    camera: h('select', { id: 'sense-camera' }),
    microphone: h('select', { id: 'sense-microphone' }),
  };

  constructor(section) {
    const labels = ['camera', 'microphone'].map((kind) => {
      const name = kind === 'camera' ? 'Camera ' : 'Microphone ';
      return h('label', { for: `sense-${kind}` }, name, this.#choice[kind]);
    });
    const row = (...children) => h('div', { class: 'row' }, ...children);
    const told = h('div', { role: 'status' }, ...Object.values(this.#says));
    const name = h('h2', { id: 'sense-name' }, 'The robot’s camera and microphone');
    section.classList.add('panel');
    section.setAttribute('aria-labelledby', name.id);
    section.replaceChildren(name, row(this.#button, ...labels), row(this.#video, h('div', {}, told, this.#rate)));
    section.hidden = false;
    this.#video.muted = true; // as an attribute it would hold for a video of the page's own only
    this.#video.hidden = true;
    this.#show(false);
    this.#list();
    if (!navigator.mediaDevices?.getUserMedia) {
      this.#button.disabled = true;
      const how = window.isSecureContext ? 'use another browser' : 'open it by https (gar-ssl live --https) or on localhost';
      this.#say('link', `This browser gives pages no camera and microphone here: ${how}.`);
      return;
    }
    this.#button.addEventListener('click', () => (this.#link ? this.#stop() : this.#start()));
    this.#choice.camera.addEventListener('change', () => this.#link && this.#see());
    this.#choice.microphone.addEventListener('change', () => this.#link && this.#hear());
    navigator.mediaDevices.addEventListener?.('devicechange', () => this.#list());
    document.addEventListener('visibilitychange', () => this.#link && this.#turned());
    setInterval(() => this.#count(), COUNT_MS);
  }

  async #start() {
    this.#link = new Link();
    this.#camera = new Camera(this.#link, this.#video);
    this.#microphone = new Microphone(this.#link);
    this.#link.addEventListener('state', ({ detail: { state, reason } }) => {
      const lost = `Not connected: ${reason || 'the connection was lost'}. Trying again.`;
      this.#say('link', { connecting: this.#says.link.textContent || 'Connecting.', open: 'Connected.', lost }[state]);
    });
    this.#link.addEventListener('told', ({ detail }) => this.#say('link', `The robot says: ${detail}.`));
    this.#link.open();
    this.#show(true);
    await Promise.all([this.#see(), this.#hear()]);
    await this.#list(); // whose names are known only now
    this.#stayAwake();
  }

  #stop() {
    this.#camera.stop();
    this.#microphone.stop();
    this.#link.close();
    this.#lock?.release();
    this.#link = this.#camera = this.#microphone = this.#lock = null;
    this.#show(false);
  }

  async #see() {
    await this.#begin('camera', this.#camera);
    this.#video.hidden = !this.#video.srcObject;
    this.#turned();
  }

  async #hear() {
    await this.#begin('microphone', this.#microphone);
  }

  async #begin(kind, part) {
    this.#say(kind, `Waiting for the ${kind}: the browser may ask whether this page may use it.`);
    try {
      await part.start(this.#choice[kind].value, () => {
        part.stop();
        this.#say(kind, `The ${kind} was unplugged, or taken away: plug it in, or choose another.`);
      });
      this.#say(kind, '');
    } catch (problem) {
      part.stop();
      this.#say(kind, why(kind, problem));
    }
  }

  #turned() {
    this.#link?.look(!document.hidden);
    if (!this.#video.srcObject) return;
    this.#say('camera', document.hidden ? 'This page is hidden: its camera rests until it is shown; its microphone goes on.' : '');
    if (!document.hidden) this.#stayAwake();
  }

  async #stayAwake() {
    try {
      this.#lock = await navigator.wakeLock?.request('screen');
    } catch { // such as on a low battery: then it sleeps
    }
  }

  async #list() {
    const found = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const named = (kind) => found.filter((one) => one.kind === kind && one.deviceId && one.deviceId !== 'default').map((one) => [one.deviceId, one.label || 'unnamed']);
    this.#offer('camera', [['', 'any'], ['user', 'front'], ['environment', 'back'], ...named('videoinput')]);
    this.#offer('microphone', [['', 'default'], ...named('audioinput')]);
  }

  #offer(kind, options) {
    const select = this.#choice[kind];
    const chosen = select.value;
    select.replaceChildren(...options.map(([value, text]) => h('option', { value }, text)));
    select.value = options.some(([value]) => value === chosen) ? chosen : '';
  }

  #count() {
    if (!this.#link) return;
    const now = [this.#camera.taken, this.#microphone.taken];
    const [pictures, pieces] = now.map((count, index) => count - this.#counted[index]);
    this.#counted = now;
    this.#rate.textContent = `${pictures} pictures a second are sent; ${pieces ? 'sound is sent' : 'no sound is sent'}.`;
  }

  #show(on) {
    this.#button.textContent = on ? 'Stop' : 'Use this device’s camera and microphone';
    this.#button.setAttribute('aria-pressed', String(on));
    this.#video.hidden = !on || !this.#video.srcObject;
    this.#counted = [0, 0];
    this.#rate.textContent = '';
    if (!on) Object.keys(this.#says).forEach((part) => this.#say(part, ''));
  }

  #say(part, text) {
    say(this.#says[part], text);
  }
}

const section = document.getElementById('sense');
if (section) new Sense(section);
