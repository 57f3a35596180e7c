// Whether all is well, at a glance and in sentences.

import { byId, h, say } from './dom.js';

const LEVELS = [['ok', '✓', 'well'], ['warn', '!', 'warning'], ['error', '✕', 'error'], ['stale', '?', 'not heard from']];
const LATE_MS = 1500; // of a picture, from which on that is a problem

export class Health {
  #connection = { state: 'connecting', reason: '' };
  #health = null;
  #clients = null;
  #told = '';

  connection(state) {
    this.#connection = state;
    if (state.state !== 'open') this.#health = null;
    this.#show();
  }

  health(health) {
    this.#health = health;
    this.#show();
  }

  clients(clients) {
    this.#clients = clients;
    this.#show();
  }

  forget() {
    this.#health = this.#clients = null;
  }

  /** What is measured here. age: of the picture shown, ms, null where it means nothing; trip: ms; rate: Hz. */
  measured({ age, trip, rate }) {
    say(byId('picture-rate'), `${rate.toFixed(rate < 10 ? 1 : 0)} Hz${this.#health ? ` of ${this.#health.picture_rate.toFixed(0)}` : ''}`);
    say(byId('picture-age'), age === null ? '–' : age > 10000 ? `${(age / 1000).toFixed(0)} s` : `${Math.max(0, Math.round(age))} ms`);
    byId('picture-age').classList.toggle('bad', age !== null && age > LATE_MS);
    say(byId('trip'), trip === null ? '–' : `${trip.toFixed(trip < 10 ? 1 : 0)} ms`);
  }

  #show() {
    const { state, reason } = this.#connection;
    const problems = this.#health?.problems ?? [];
    const [kind, words] = state === 'lost' ? ['bad', 'Connection lost, trying again'] : state === 'connecting' ? ['wait', 'Connecting'] : problems.length
      ? ['bad', problems.length === 1 ? '1 problem' : `${problems.length} problems`] : this.#health ? ['good', 'All is well'] : ['wait', 'Connected'];
    const pill = byId('state');
    pill.className = `pill ${kind}`;
    say(pill, words);
    const sentences = [...(state === 'lost' ? [`Connection lost, trying again${reason ? `: ${reason}` : ''}.`] : []), ...problems];
    byId('problems').hidden = !sentences.length;
    if (this.#told !== sentences.join('\n')) {
      this.#told = sentences.join('\n');
      byId('problems').replaceChildren(...sentences.map((one) => h('li', {}, one)));
    }
    byId('statuses').replaceChildren(...(this.#health?.statuses ?? []).map(({ name, level, message, values }) => {
      const [key, sign, word] = LEVELS[level] ?? LEVELS[3];
      const facts = Object.entries(values ?? {});
      return h('li', { class: `status ${key}`, title: facts.map((fact) => fact.join(': ')).join('\n') }, h('span', { class: 'sign', role: 'img', 'aria-label': word }, sign), h('span', {}, h('b', {}, name), message ? ` ${message}` : ''));
    }));
    say(byId('clients'), this.#clients ? `${this.#clients.count} of ${this.#clients.most} at most` : '–');
  }
}
