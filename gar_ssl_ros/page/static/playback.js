// A session as it is played: on and on hold, from where, how fast.

import { doing } from './controls.js';
import { byId, say } from './dom.js';
import { duration, timeOfDay } from './words.js';

export class Playback {
  #connection;
  #time;
  #dragged = false;

  constructor(connection, time) {
    this.#connection = connection;
    this.#time = time;
    byId('play').addEventListener('click', () => this.toggle());
    byId('seek').addEventListener('input', () => (this.#dragged = true));
    byId('seek').addEventListener('change', ({ target }) => {
      this.#dragged = false;
      this.seek(time.playback.begin + target.valueAsNumber);
    });
    byId('rate').addEventListener('change', ({ target }) => this.#do({ do: 'rate', rate: Number(target.value) }));
  }

  can(play) {
    byId('playback').hidden = !play;
  }

  toggle() {
    if (this.#time.playback) this.#do({ do: 'play', on: !this.#time.playback.playing });
  }

  seek(ms) {
    this.#do({ do: 'seek', to: ms });
  }

  tell({ playing, rate, begin, end }) {
    byId('play').setAttribute('aria-label', playing ? 'Pause' : 'Play');
    say(byId('play'), playing ? '❚❚' : '▶');
    byId('seek').max = Math.max(1, end - begin);
    const option = [...byId('rate').options].find((one) => Number(one.value) === rate);
    if (option) byId('rate').value = option.value;
  }

  /** On every frame. */
  draw() {
    const playback = this.#time.playback;
    if (!playback) return;
    const seek = byId('seek');
    const at = this.#dragged ? seek.valueAsNumber : this.#time.now() - playback.begin;
    if (!this.#dragged && document.activeElement !== seek) seek.value = at;
    const told = `${duration(at)} / ${duration(playback.end - playback.begin)}`;
    say(byId('position'), `${told} · ${timeOfDay(playback.begin + at)}`);
    if (seek.getAttribute('aria-valuetext') !== told) seek.setAttribute('aria-valuetext', told);
  }

  #do(command) {
    doing(this.#connection, command, byId('playback-told'));
  }
}
