/**
 * Small decoders that turn `unknown` into typed values, or throw a ShapeError that names the place. Fields without a
 * decoder are left out, so the page can read newer servers.
 *
 * Only an error builds the path of its place, while it passes outwards: a history has half a million fields, and
 * building the path of each took longer than decoding it.
 */
export type Shape<T> = (value: unknown) => T;

export type Infer<S> = S extends Shape<infer T> ? T : never;

export class ShapeError extends Error {
  override readonly name = "ShapeError";
  readonly #what: string;
  #path = "";

  constructor(expected: string, value: unknown) {
    super();
    this.#what = `expected ${expected}, got ${nameOf(value)}`;
    this.message = this.#what;
  }

  /** Add a level to the path, from the inside to the outside, and return this error. */
  within(key: string | number): this {
    const step = typeof key === "number" ? `[${key}]` : key;
    this.#path =
      this.#path === "" || this.#path.startsWith("[") ? step + this.#path : `${step}.${this.#path}`;
    this.message = `${this.#path}: ${this.#what}`;
    return this;
  }
}

export const text: Shape<string> = (value) => {
  if (typeof value === "string") return value;
  throw new ShapeError("a string", value);
};

export const number: Shape<number> = (value) => {
  if (typeof value === "number") return value;
  throw new ShapeError("a number", value);
};

export const flag: Shape<boolean> = (value) => {
  if (typeof value === "boolean") return value;
  throw new ShapeError("true or false", value);
};

/** Decode a value that may be null, which means not known. A missing field, as of an older server, is null too. */
export function maybe<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null || value === undefined ? null : shape(value));
}

export function list<T>(shape: Shape<T>): Shape<T[]> {
  return (value) => {
    if (!Array.isArray(value)) throw new ShapeError("a list", value);
    let index = 0;
    try {
      const result: T[] = [];
      for (; index < value.length; index += 1) result.push(shape(value[index]));
      return result;
    } catch (error) {
      throw within(error, index);
    }
  };
}

export function dict<T>(shape: Shape<T>): Shape<Record<string, T>> {
  return (value) => {
    const source = object(value);
    const result: Record<string, T> = {};
    for (const key of Object.keys(source)) result[key] = field(source, key, shape);
    return result;
  };
}

export function record<S extends Record<string, Shape<unknown>>>(
  fields: S,
): Shape<{ [K in keyof S]: Infer<S[K]> }> {
  const entries = Object.entries(fields);
  return (value) => {
    const source = object(value);
    const result: Record<string, unknown> = {};
    let at = "";
    try {
      for (const [key, shape] of entries) {
        at = key;
        result[key] = shape(source[key]);
      }
    } catch (error) {
      throw within(error, at);
    }
    return result as { [K in keyof S]: Infer<S[K]> };
  };
}

export function field<T>(source: Record<string, unknown>, key: string, shape: Shape<T>): T {
  try {
    return shape(source[key]);
  } catch (error) {
    throw within(error, key);
  }
}

export function object(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ShapeError("an object", value);
}

function within(error: unknown, key: string | number): unknown {
  return error instanceof ShapeError ? error.within(key) : error;
}

function nameOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value)
    ? "a list"
    : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}
