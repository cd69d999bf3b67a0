/** The messages of the stream, protocol version 1, once they are decoded. */
import type { Sections } from "./sections";
import { dict, flag, list, maybe, number, record, text, type Infer } from "./shape";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const host = record({
  id: text,
  name: text,
  kernel: maybe(text),
  cpu_model: maybe(text),
  os: maybe(text),
  cores: maybe(number),
});

/** One that fires, or has just resolved. Its values are left out: the text has them. */
const alert = record({
  rule: text,
  state: maybe(text),
  severity: text,
  section: maybe(text),
  fields: maybe(list(text)),
  labels: maybe(dict(text)),
  since_unix: number,
  text,
  known: maybe(flag),
  /** Only with a silence that covers it. */
  silenced: maybe(flag),
});

/** The message `alerts`. `hello` has the same fields, except for the time. */
export const alertsMessage = record({
  alerts: maybe(list(alert)),
  omitted_alerts: maybe(number),
  time_unix: maybe(number),
});

export const hello = record({
  protocol: number,
  version: text,
  host,
  stream: text,
  interval_seconds: number,
  seq: number,
  every: maybe(number),
  sections: maybe(list(text)),
  /** The name of this viewer's token. Null when the server requires none, or is too old to send it. */
  user: maybe(text),
  /** Null when no sample was taken yet, when there are no rules, or from an older server. */
  alerts: maybe(list(alert)),
  omitted_alerts: maybe(number),
});

export const sampleHead = record({
  stream: text,
  host: text,
  seq: number,
  time_unix: number,
  uptime_seconds: maybe(number),
  interval_seconds: maybe(number),
});

const sourceState = record({
  state: text,
  took_seconds: maybe(number),
  reason: maybe(text),
  age_seconds: maybe(number),
});

export const sourceStates = (value: unknown): Record<string, SourceState> =>
  dict(sourceState)(value ?? {});

export type Hello = Infer<typeof hello>;
export type WireAlert = Infer<typeof alert>;
export type AlertsMessage = Infer<typeof alertsMessage>;
export type SampleHead = Infer<typeof sampleHead>;
export type SourceState = Infer<typeof sourceState>;

export interface Sample extends SampleHead {
  readonly sections: Sections;
  /** The sections of an embedding program, not decoded. */
  readonly custom: Readonly<Record<string, Json>>;
  readonly sources: Readonly<Record<string, SourceState>>;
}

/** A decoded message. A message that cannot be decoded is a value too, not an exception. */
export type Frame =
  | { readonly type: "hello"; readonly hello: Hello }
  | { readonly type: "sample"; readonly sample: Sample }
  | { readonly type: "alerts"; readonly alerts: AlertsMessage }
  | { readonly type: "ignored"; readonly was: string }
  | { readonly type: "error"; readonly reason: string };
