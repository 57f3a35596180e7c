// What one may have done, each with what came of it beside it.

import { byId, say } from './dom.js';
import { bytes, duration, lasting } from './words.js';

/** Have a command done; what came of it goes into `output`. */
export async function doing(connection, command, output, control = null) {
  if (control) control.setAttribute('aria-busy', 'true');
  const { ok, text } = await connection.ask(command);
  control?.removeAttribute('aria-busy');
  output.classList.toggle('bad', !ok);
  say(output, text);
  return ok;
}

export class Controls {
  #connection;
  #recording = null;

  constructor(connection) {
    this.#connection = connection;
    const answer = (id) => byId(`${id}-told`);
    byId('localize').addEventListener('click', () => this.localize());
    byId('enable').addEventListener('change', async ({ target }) => {
      const ok = await doing(connection, { do: 'enable', on: target.checked }, answer('enable'), target);
      if (!ok) target.checked = !target.checked;
    });
    byId('record').addEventListener('click', () => this.record());
    setInterval(() => this.#tellRecording(), 500);
  }

  can(can) {
    byId('localize-row').hidden = !can.localize;
    byId('enable-row').hidden = !can.enable;
    byId('record-row').hidden = !can.record;
    byId('controls').hidden = !(can.localize || can.enable || can.record);
  }

  localize() {
    if (!byId('localize-row').hidden) doing(this.#connection, { do: 'localize' }, byId('localize-told'), byId('localize'));
  }

  enable() {
    if (!byId('enable-row').hidden) byId('enable').click();
  }

  record() {
    if (byId('record-row').hidden) return;
    doing(this.#connection, { do: 'record', on: !this.#recording?.on }, byId('record-told'), byId('record'));
  }

  enabled({ on }) {
    byId('enable').checked = on;
  }

  recording(recording) {
    this.#recording = recording;
    this.#tellRecording();
  }

  #tellRecording() {
    const { on, path, since, keep, bytes: size, problem } = this.#recording ?? { on: false };
    document.documentElement.classList.toggle('recording', on);
    byId('record').setAttribute('aria-pressed', on);
    say(byId('record-name'), on ? 'Stop recording' : 'Record');
    byId('record-sign').hidden = !on;
    byId('record-facts').hidden = !on && !problem;
    if (!on) say(byId('record-facts'), problem ?? '');
    if (!on) return;
    const time = duration(this.#connection.clock.now() - since);
    say(byId('record-sign'), `REC ${time}`);
    say(byId('record-facts'), `${path}: ${time}${size == null ? '' : `, ${bytes(size)}`}. ${keep ? `What is older than ${lasting(keep)} is deleted.` : 'Nothing is deleted.'}`);
  }
}
