/**
 * Small decoders that turn `unknown` into typed values, or throw a ShapeError that names the place.
 * Relies on nothing. Fields nobody asked for are left behind, so newer servers stay readable.
 */
export type Shape<T> = (value: unknown, path: string) => T;

export type Infer<S> = S extends Shape<infer T> ? T : never;

export class ShapeError extends Error {
  override readonly name = "ShapeError";
  readonly path: string;

  constructor(path: string, expected: string, value: unknown) {
    super(`${path === "" ? "frame" : path}: expected ${expected}, got ${nameOf(value)}`);
    this.path = path;
  }
}

export const text: Shape<string> = (value, path) => {
  if (typeof value === "string") return value;
  throw new ShapeError(path, "a string", value);
};

export const number: Shape<number> = (value, path) => {
  if (typeof value === "number") return value;
  throw new ShapeError(path, "a number", value);
};

export const flag: Shape<boolean> = (value, path) => {
  if (typeof value === "boolean") return value;
  throw new ShapeError(path, "true or false", value);
};

/** Null means "not known"; so does a field that an older server does not send. */
export function maybe<T>(shape: Shape<T>): Shape<T | null> {
  return (value, path) => (value === null || value === undefined ? null : shape(value, path));
}

export function list<T>(shape: Shape<T>): Shape<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ShapeError(path, "a list", value);
    return value.map((item, index) => shape(item, `${path}[${index}]`));
  };
}

export function dict<T>(shape: Shape<T>): Shape<Record<string, T>> {
  return (value, path) => {
    const source = object(value, path);
    const result: Record<string, T> = {};
    for (const [key, item] of Object.entries(source)) result[key] = shape(item, at(path, key));
    return result;
  };
}

export function record<S extends Record<string, Shape<unknown>>>(
  fields: S,
): Shape<{ [K in keyof S]: Infer<S[K]> }> {
  const entries = Object.entries(fields);
  return (value, path) => {
    const source = object(value, path);
    const result: Record<string, unknown> = {};
    for (const [key, shape] of entries) result[key] = shape(source[key], at(path, key));
    return result as { [K in keyof S]: Infer<S[K]> };
  };
}

export function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ShapeError(path, "an object", value);
}

function at(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function nameOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value)
    ? "a list"
    : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}
