/**
 * The last samples as columns: one slot per sample in the order of time, a fixed number of slots, one Float64Array per
 * metric. Samples may come in any order: those of the past arrive after the first live ones, the newest of them first.
 * A value that a sample does not have is NaN inside and `null` outside.
 *
 * A gap needs no slot. It is where the time that a sample describes begins later than the sample before it ends, and a
 * slice shows it as slots without a sample. So a gap closes when its samples arrive.
 *
 * A column is added with the first value of its name, and removed once no slot has a value of it. So devices that come
 * and go do not fill the memory, and the number of columns is bounded as well.
 */
/** A column of 600 slots has 4.8 KB. 200 disks, interfaces and filesystems need 4847. */
const MAX_COLUMNS = 16_384;
const PRUNE_EVERY_SAMPLES = 60;

interface Column {
  readonly values: Float64Array;
  /** The time of the newest sample that has it. */
  newestX: number;
}

export interface Slice {
  readonly x: number[];
  /** True for a slot with a sample, false for one in a gap. */
  readonly known: boolean[];
  /** The seconds before `x` that the sample of the slot describes: the time since the sample before it. */
  readonly spans: number[];
  readonly column: (name: string) => (number | null)[];
}

const NO_SLOT = -1;

export class Ring {
  readonly capacity: number;
  readonly #x: Float64Array;
  readonly #spans: Float64Array;
  readonly #columns = new Map<string, Column>();
  /** The slots in use, in the order of their times. */
  #order: number[] = [];
  #added = 0;
  #refused = 0;

  constructor(capacity = 600) {
    this.capacity = capacity;
    this.#x = new Float64Array(capacity);
    this.#spans = new Float64Array(capacity);
  }

  get length(): number {
    return this.#order.length;
  }

  get newestX(): number | null {
    return this.#xAt(this.length - 1);
  }

  get names(): string[] {
    return [...this.#columns.keys()];
  }

  /** Names that got no column in the newest slot, because there are too many. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Add a sample. A full ring drops its oldest one. Return false, and add nothing, when the ring has a sample of this
   * time, or is full and has only newer ones.
   */
  put(x: number, values: Iterable<readonly [string, number]>, span = 1): boolean {
    let place = this.#placeAfter(x);
    if (this.#xAt(place - 1) === x) return false;
    let slot = this.length;
    if (slot === this.capacity) {
      if (place === 0) return false;
      slot = this.#order.shift() ?? 0;
      place -= 1;
      for (const column of this.#columns.values()) column.values[slot] = NaN;
    }
    this.#order.splice(place, 0, slot);
    this.#x[slot] = x;
    this.#spans[slot] = span;
    const refused = this.#write(slot, x, values);
    if (place === this.length - 1) this.#refused = refused;
    this.#added += 1;
    if (this.#added % PRUNE_EVERY_SAMPLES === 0) this.#prune();
    return true;
  }

  /** Change the seconds that the sample at `x` describes, once the one before it is known. */
  describe(x: number, span: number): void {
    const place = this.#placeAfter(x) - 1;
    if (this.#xAt(place) === x) this.#spans[this.#order[place] ?? NO_SLOT] = span;
  }

  /** Move all slots in time, when the host's clock was set: the distance to the next sample stays right. */
  shift(seconds: number): void {
    for (const slot of this.#order) this.#x[slot] = (this.#x[slot] ?? 0) + seconds;
    for (const column of this.#columns.values()) column.newestX += seconds;
  }

  /** Return the slots with from <= x <= to, the oldest first. */
  slice(from: number, to: number): Slice {
    const slots: number[] = [];
    const x: number[] = [];
    const known: boolean[] = [];
    const spans: number[] = [];
    const add = (slot: number, at: number, span: number): void => {
      if (at < from || at > to) return;
      slots.push(slot);
      x.push(at);
      known.push(slot !== NO_SLOT);
      spans.push(span);
    };
    for (let place = this.#placeAfter(from); place <= this.length; place += 1) {
      // The sample before `from` is only the begin of a gap, unless its time is `from`.
      const slot = this.#order[place - 1];
      if (slot !== undefined) add(slot, this.#x[slot] ?? NaN, this.#spans[slot] ?? NaN);
      const end = this.#xAt(place - 1);
      const next = this.#order[place];
      if (next === undefined || (end !== null && end > to)) break;
      if (end !== null) this.#addGap(end, next, add);
    }
    const read = new Map<string, (number | null)[]>();
    const column = (name: string): (number | null)[] => {
      const values = read.get(name) ?? this.#read(name, slots);
      read.set(name, values);
      return values;
    };
    return { x, known, spans, column };
  }

  /** Return a copy that does not change, for a paused page. */
  clone(): Ring {
    const copy = new Ring(this.capacity);
    copy.#x.set(this.#x);
    copy.#spans.set(this.#spans);
    copy.#order = [...this.#order];
    for (const [name, { values, newestX }] of this.#columns) {
      copy.#columns.set(name, { values: values.slice(), newestX });
    }
    return copy;
  }

  /** Add slots without a sample, as many as would be in the time between `end` and the begin of the next sample. */
  #addGap(end: number, next: number, add: (slot: number, at: number, span: number) => void): void {
    const span = this.#spans[next] ?? NaN;
    const seconds = (this.#x[next] ?? NaN) - span - end;
    const count = Math.min(this.capacity, Math.round(seconds / span));
    for (let n = 1; n <= count; n += 1) add(NO_SLOT, end + (seconds * n) / count, seconds / count);
  }

  /** Return the first place whose slot is later than `x`. */
  #placeAfter(x: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#xAt(middle) ?? Infinity) > x) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #xAt(place: number): number | null {
    const slot = this.#order[place];
    return slot === undefined ? null : (this.#x[slot] ?? null);
  }

  /** Return how many of the names got no column. */
  #write(slot: number, x: number, values: Iterable<readonly [string, number]>): number {
    let refused = 0;
    for (const [name, value] of values) {
      const column = this.#column(name);
      if (column === null) {
        refused += 1;
        continue;
      }
      column.values[slot] = value;
      column.newestX = Math.max(column.newestX, x);
    }
    return refused;
  }

  #column(name: string): Column | null {
    const existing = this.#columns.get(name);
    if (existing !== undefined) return existing;
    if (this.#columns.size >= MAX_COLUMNS) return null;
    const column = { values: new Float64Array(this.capacity).fill(NaN), newestX: -Infinity };
    this.#columns.set(name, column);
    return column;
  }

  #prune(): void {
    const oldest = this.#xAt(0) ?? -Infinity;
    for (const [name, { newestX }] of this.#columns) {
      if (newestX < oldest) this.#columns.delete(name);
    }
  }

  #read(name: string, slots: readonly number[]): (number | null)[] {
    const values = this.#columns.get(name)?.values;
    return slots.map((slot) => {
      const value = values?.[slot];
      return value === undefined || Number.isNaN(value) ? null : value;
    });
  }
}
