/**
 * The last samples as columns: one slot per tick, a fixed number of slots, one Float64Array per metric. An empty slot is
 * NaN inside and `null` outside: a gap, never the last value again.
 *
 * A column is added with the first value of its name, and removed once no slot has a value of it. So devices that come
 * and go do not fill the memory, and the number of columns is bounded as well.
 */
/** A column of 600 slots has 4.8 KB. 200 disks, interfaces and filesystems need 4847. */
const MAX_COLUMNS = 16_384;
const PRUNE_EVERY_SLOTS = 60;

interface Column {
  readonly values: Float64Array;
  lastWrite: number;
}

export interface Slice {
  readonly x: number[];
  /** True for a slot with a sample, false for one in a gap. */
  readonly known: boolean[];
  /** The seconds before `x` that the sample of the slot describes: the time since the sample before it. */
  readonly spans: number[];
  readonly column: (name: string) => (number | null)[];
}

export class Ring {
  readonly capacity: number;
  readonly #x: Float64Array;
  readonly #known: Uint8Array;
  readonly #spans: Float64Array;
  readonly #columns = new Map<string, Column>();
  /** The number of slots ever written. The newest one is at (written - 1) % capacity. */
  #written = 0;
  #refused = 0;

  constructor(capacity = 600) {
    this.capacity = capacity;
    this.#x = new Float64Array(capacity);
    this.#known = new Uint8Array(capacity);
    this.#spans = new Float64Array(capacity);
  }

  get length(): number {
    return Math.min(this.#written, this.capacity);
  }

  get newestX(): number | null {
    return this.#written === 0 ? null : (this.#x[(this.#written - 1) % this.capacity] ?? null);
  }

  get names(): string[] {
    return [...this.#columns.keys()];
  }

  /** Names that got no column in the newest slot, because there are too many. */
  get refused(): number {
    return this.#refused;
  }

  push(x: number, values: Iterable<readonly [string, number]>, span = 1): void {
    const slot = this.#open(x, true, span);
    this.#refused = 0;
    for (const [name, value] of values) {
      const column = this.#column(name);
      if (column === null) {
        this.#refused += 1;
        continue;
      }
      column.values[slot] = value;
      column.lastWrite = this.#written;
    }
    if (this.#written % PRUNE_EVERY_SLOTS === 0) this.#prune();
  }

  /** Add a slot without a sample. */
  pushGap(x: number, span = 1): void {
    this.#open(x, false, span);
  }

  /** Move all slots in time, when the host's clock was set: the distance to the next sample stays right. */
  shift(seconds: number): void {
    for (let slot = 0; slot < this.capacity; slot += 1)
      this.#x[slot] = (this.#x[slot] ?? 0) + seconds;
  }

  /** Return the slots with from <= x <= to, the oldest first. */
  slice(from: number, to: number): Slice {
    const slots: number[] = [];
    const x: number[] = [];
    const known: boolean[] = [];
    const spans: number[] = [];
    for (let index = this.#written - this.length; index < this.#written; index += 1) {
      const slot = index % this.capacity;
      const at = this.#x[slot] ?? NaN;
      if (at < from || at > to) continue;
      slots.push(slot);
      x.push(at);
      known.push(this.#known[slot] === 1);
      spans.push(this.#spans[slot] ?? NaN);
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
    copy.#known.set(this.#known);
    copy.#spans.set(this.#spans);
    copy.#written = this.#written;
    for (const [name, { values, lastWrite }] of this.#columns) {
      copy.#columns.set(name, { values: values.slice(), lastWrite });
    }
    return copy;
  }

  #open(x: number, known: boolean, span: number): number {
    const slot = this.#written % this.capacity;
    this.#x[slot] = x;
    this.#known[slot] = known ? 1 : 0;
    this.#spans[slot] = span;
    for (const { values } of this.#columns.values()) values[slot] = NaN;
    this.#written += 1;
    return slot;
  }

  #column(name: string): Column | null {
    const existing = this.#columns.get(name);
    if (existing !== undefined) return existing;
    if (this.#columns.size >= MAX_COLUMNS) return null;
    const column = { values: new Float64Array(this.capacity).fill(NaN), lastWrite: this.#written };
    this.#columns.set(name, column);
    return column;
  }

  #prune(): void {
    for (const [name, { lastWrite }] of this.#columns) {
      if (this.#written - lastWrite >= this.capacity) this.#columns.delete(name);
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
