// The answers that are known, and which of them is looked at.

const MOST = 1200; // a lane

/** Events: `change` where answers came or went, `select` where another one is looked at. */
export class Answers extends EventTarget {
  #lanes = [[], []]; // each by stamp
  #selected = null; // key; null: what is newest

  put(answer) {
    const lane = this.#lanes[answer.lane];
    if (!lane) return;
    const known = lane.findLastIndex((one) => one.key === answer.key);
    if (known >= 0) lane.splice(known, 1);
    lane.splice(lane.findLastIndex((one) => one.stamp <= answer.stamp) + 1, 0, answer);
    if (lane.length > MOST && lane.shift().key === this.#selected) this.select(null);
    this.#tell('change');
  }

  clear() {
    this.#lanes = [[], []];
    this.#tell('change');
  }

  lane(index) {
    return this.#lanes[index];
  }

  get all() {
    return this.#lanes.flat();
  }

  /** The one gone back to; null where what is newest is shown. */
  get selected() {
    return this.#selected === null ? null : this.all.find((one) => one.key === this.#selected) ?? null;
  }

  select(key) {
    if (key === this.#selected) return;
    this.#selected = key;
    this.#tell('select');
  }

  /** True if the one gone back to is not known any more. */
  get lost() {
    return this.#selected !== null && this.selected === null;
  }

  /** One answer a lane, or null: those looked at, or the newest ones; in a session, of the time that is played. */
  shown(position = Infinity) {
    const back = this.selected;
    if (back === null) return this.#lanes.map((lane) => lane.findLast((one) => one.stamp <= position) ?? null);
    return this.#lanes.map((lane, index) => (index === back.lane ? back : this.#beside(lane, back)));
  }

  /** Go to the one `step` further in the lane that is looked at; beyond the newest, to what is newest. */
  step(step, position = Infinity) {
    const from = this.selected ?? this.shown(position).find((one) => one !== null);
    if (!from) return;
    const lane = this.#lanes[from.lane];
    const index = lane.indexOf(from) + step;
    this.select(index >= lane.length ? null : lane[Math.max(0, index)].key);
  }

  /** Go to the one of the same time in the other lane. */
  cross() {
    const back = this.selected;
    const other = back && this.#beside(this.#lanes[1 - back.lane], back);
    if (other) this.select(other.key);
  }

  #beside(lane, answer) {
    const far = (one) => Math.abs(one.stamp - answer.stamp);
    const nearest = lane.reduce((best, one) => (best === null || far(one) < far(best) ? one : best), null);
    return nearest !== null && far(nearest) <= (answer.end - answer.begin) / 2 ? nearest : null;
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}
