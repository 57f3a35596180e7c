// Dark or light: as the system has it, or as was chosen; and the colours for what is drawn on a canvas.

import { KINDS } from './words.js';

const NEXT = { auto: 'light', light: 'dark', dark: 'auto' };
const NAMES = { auto: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' };
const system = matchMedia('(prefers-color-scheme: dark)');

/** A value kept in this browser, where it keeps any. */
export const kept = {
  get(name, otherwise) {
    try {
      return localStorage.getItem(`gar-ssl.${name}`) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`gar-ssl.${name}`, value);
    } catch { /* then it holds until the page is closed */ }
  },
};

/** Events: `change`. */
export class Theme extends EventTarget {
  choice = 'auto';
  colours = {};
  #button;

  constructor(button) {
    super();
    this.#button = button;
    const choice = kept.get('theme', 'auto');
    this.choice = choice in NEXT ? choice : 'auto';
    button.addEventListener('click', () => this.next());
    system.addEventListener('change', () => this.#apply());
    this.#apply();
  }

  get dark() {
    return this.choice === 'auto' ? system.matches : this.choice === 'dark';
  }

  next() {
    this.choice = NEXT[this.choice];
    kept.set('theme', this.choice);
    this.#apply();
  }

  #apply() {
    document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
    this.#button.setAttribute('aria-label', NAMES[this.choice]);
    this.#button.title = NAMES[this.choice];
    this.#button.textContent = { auto: '◐', light: '☀', dark: '☾' }[this.choice];
    const style = getComputedStyle(document.documentElement);
    for (const name of ['ink', 'soft', 'line', 'panel', 'ground', 'accent', ...Object.values(KINDS)]) {
      this.colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.dispatchEvent(new Event('change'));
  }
}
