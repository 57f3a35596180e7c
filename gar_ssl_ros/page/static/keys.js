// What keys do, wherever one is on the page but in a field.

import { byId, h } from './dom.js';
import { kept } from './theme.js';

const TYPING = 'input:not([type=checkbox]):not([type=range]), select, textarea';
const NAMES = { ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc', ' ': 'Space' };

/** keys: [[key, words, act]]. further: [[keys, words]] that others handle. */
export function listenToKeys(keys, further) {
  const dialog = byId('help');
  const row = (name, words) => h('div', {}, h('dt', {}, h('kbd', {}, name)), h('dd', {}, words));
  byId('keys').replaceChildren(...keys.map(([key, words]) => row(NAMES[key] ?? key, words)), ...further.map(([name, words]) => row(name, words)));
  const on = byId('keys-on');
  on.checked = kept.get('keys', 'on') === 'on';
  on.addEventListener('change', () => kept.set('keys', on.checked ? 'on' : 'off'));
  byId('help-button').addEventListener('click', () => dialog.showModal());
  byId('help-close').addEventListener('click', () => dialog.close());
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open || !on.checked) return;
    const target = event.target;
    if (target.matches(TYPING) || (event.key === ' ' && target.matches('button, summary, input, a'))) return;
    if (event.key.startsWith('Arrow') && target.matches('input[type=range]')) return;
    const found = keys.find(([key]) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found[2]();
  });
}
