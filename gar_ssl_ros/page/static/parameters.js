// The parameters that may change while the localizer runs, as it declares them.

import { doing } from './controls.js';
import { h } from './dom.js';

const INPUTS = {
  bool: (one, id) => h('input', { id, type: 'checkbox', role: 'switch', class: 'switch' }),
  choice: (one, id) => h('select', { id }, one.choices.map((choice) => h('option', { value: choice }, choice || '(none)'))),
  int: (one, id) => h('input', { id, type: 'number', step: 1, min: one.least, max: one.most, inputmode: 'numeric' }),
  float: (one, id) => h('input', { id, type: 'number', step: 'any', min: one.least, max: one.most, inputmode: 'decimal' }),
  text: (one, id) => h('input', { id, type: 'text', maxlength: 4000, autocomplete: 'off', spellcheck: 'false' }),
};

const read = (input, kind) => (kind === 'bool' ? input.checked : kind === 'int' || kind === 'float' ? input.valueAsNumber : input.value);

function write(input, kind, value) {
  if (kind === 'bool') input.checked = value;
  else input.value = value;
}

const span = (one) => (one.least != null && one.most != null ? `${one.least} to ${one.most}` : one.fits || '');

export class Parameters {
  #connection;
  #root;
  #rows = new Map(); // name -> {declared as JSON, value, input, one}

  constructor(connection, root) {
    this.#connection = connection;
    this.#root = root;
  }

  /** The value of one; null where it is not told. */
  value(name) {
    return this.#rows.get(name)?.one.value ?? null;
  }

  show({ parameters }) {
    const shape = (one) => JSON.stringify({ ...one, value: null });
    const same = parameters.length === this.#rows.size && parameters.every((one) => this.#rows.get(one.name)?.shape === shape(one));
    if (!same) {
      this.#rows = new Map(parameters.map((one) => [one.name, this.#row(one, shape(one))]));
      this.#root.replaceChildren(...[...this.#rows.values()].map((row) => row.element));
    }
    for (const one of parameters) {
      const row = this.#rows.get(one.name);
      row.one = one;
      if (document.activeElement !== row.input || one.kind === 'bool') write(row.input, one.kind, one.value);
      row.element.classList.toggle('changed', one.value !== one.default);
    }
  }

  #row(one, shape) {
    const id = `parameter-${one.name}`;
    const input = (INPUTS[one.kind] ?? INPUTS.text)(one, id);
    const told = h('span', { class: 'told', role: 'status' });
    const usual = h('button', { type: 'button', class: 'quiet-button', 'aria-label': `${one.name}: back to ${one.default}`, title: `back to ${one.default}` }, '↺');
    const element = h('div', { class: 'parameter' }, h('label', { for: id }, one.name), h('span', { class: 'parameter-input' }, input, usual),
      h('p', { class: 'help', id: `${id}-help` }, one.help, span(one) ? ` (${span(one)})` : ''), told);
    input.setAttribute('aria-describedby', `${id}-help`);
    const row = { shape, input, element, one };
    const set = async (value) => {
      if (Number.isNaN(value)) {
        told.classList.add('bad');
        told.textContent = `give a number${span(one) ? `, ${span(one)}` : ''}`;
      } else if (!(await doing(this.#connection, { do: 'set', name: one.name, value }, told, input))) {
        write(input, one.kind, row.one.value);
      }
    };
    input.addEventListener('change', () => set(read(input, one.kind)));
    usual.addEventListener('click', () => set(one.default));
    return row;
  }
}
