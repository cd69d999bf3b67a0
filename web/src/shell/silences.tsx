/**
 * Silences of the server: which alerts notify nobody, and until when. The controls are shown only where the server has
 * receivers of notifications. A silence that is added here matches one alert: its rule and its labels.
 */
import { useEffect, useRef, useState } from "react";

import { clock, date } from "../format/time";
import {
  dict,
  field,
  list,
  maybe,
  number,
  object,
  record,
  text,
  type Infer,
} from "../protocol/shape";
import type { Alert } from "../store/alerts";
import { useHost, usePage } from "../store/use-telemetry";

const silence = record({
  id: text,
  rule: maybe(text),
  severity: maybe(text),
  host: maybe(text),
  labels: maybe(dict(text)),
  until_unix: number,
  by: maybe(text),
  comment: maybe(text),
});
type Silence = Infer<typeof silence>;

export interface Silences {
  readonly all: readonly Silence[];
  /** Whether the host that is shown is the one on which the server runs. */
  readonly isOwnHost: boolean;
  /** Why the last change failed, or what it did. */
  readonly message: string;
  readonly add: (alert: Alert, seconds: number) => void;
  readonly end: (id: string) => void;
}

const PATH = "api/v1/silences";
/** Without a host in it, this has the id of the host on which the server runs. */
const OWN_ALERTS = "api/v1/alerts";
const DURATIONS = [
  ["1 h", 3600],
  ["8 h", 8 * 3600],
  ["1 day", 86_400],
] as const;

/** Return the silences; null until they are known, and on a server without them. */
export function useSilences(): Silences | null {
  const { request } = usePage();
  const { id } = useHost();
  const [all, setAll] = useState<readonly Silence[] | null>(null);
  const [isOwnHost, setOwnHost] = useState(id === null);
  const [message, setMessage] = useState("");
  const open = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    open.current = controller;
    request(PATH, controller.signal).then(
      (answer) => {
        setAll(silencesOf(answer));
      },
      () => undefined, // most servers have none
    );
    return () => {
      controller.abort();
    };
  }, [request]);
  const areKnown = all !== null;
  useEffect(() => {
    if (!areKnown || id === null) return undefined;
    const controller = new AbortController();
    request(OWN_ALERTS, controller.signal).then(
      (answer) => {
        setOwnHost(field(object(answer), "host", text) === id);
      },
      () => undefined, // a front end may have no host of its own
    );
    return () => {
      controller.abort();
    };
  }, [request, id, areKnown]);
  if (all === null) return null;
  const change = async (query: string, method: string, done: string): Promise<void> => {
    const { signal } = open.current;
    try {
      await request(`${PATH}?${query}`, signal, method);
      setAll(silencesOf(await request(PATH, signal)));
      setMessage(done);
    } catch (error) {
      if (!signal.aborted) setMessage(error instanceof Error ? error.message : String(error));
    }
  };
  return {
    all,
    isOwnHost,
    message,
    add: (alert, seconds) => void change(queryOf(alert, id, seconds), "POST", "silenced"),
    end: (silenceId) =>
      void change(
        new URLSearchParams({ id: silenceId }).toString(),
        "DELETE",
        "no silence any more",
      ),
  };
}

function silencesOf(answer: unknown): Silence[] {
  return field(object(answer), "silences", list(silence));
}

/** Return the parameters of a silence for this alert. Its texts are patterns, so what is special there is quoted. */
export function queryOf({ rule, labels }: Alert, host: string | null, seconds: number): string {
  const pairs = Object.entries(labels).map(
    // A comma separates labels, so any character may stand in its place.
    ([name, value]) => `${name}=${value.replaceAll(/[*?[]/g, "[$&]").replaceAll(",", "?")}`,
  );
  return new URLSearchParams({
    rule,
    ...(host !== null && { host }),
    ...(pairs.length > 0 && { labels: pairs.join(",") }),
    seconds: String(seconds),
  }).toString();
}

/**
 * Return whether a silence of this server can cover an alert of the host that is shown. A front end notifies only of what
 * it finds itself about another host: the host notifies of the others, and has silences of its own.
 */
export function canSilence({ section }: Alert, { isOwnHost }: Silences): boolean {
  return isOwnHost || section === "hosts";
}

export function SilenceButtons({ alert, silences }: { alert: Alert; silences: Silences }) {
  return (
    <span className="silence" role="group" aria-label="Silence">
      <span className="faint">silence for</span>
      {DURATIONS.map(([label, seconds]) => (
        <button
          type="button"
          key={label}
          onClick={() => {
            silences.add(alert, seconds);
          }}
        >
          {label}
        </button>
      ))}
    </span>
  );
}

export function SilenceList({ silences: { all, message, end } }: { silences: Silences }) {
  return (
    <>
      {all.length === 0 && <p className="faint">None.</p>}
      <ul className="alert-list">
        {all.map((one) => (
          <li key={one.id} data-silence={one.id}>
            <span>
              until {dayOf(one.until_unix)}
              {clock(one.until_unix, false)}
            </span>
            <span className="text">{textOf(one)}</span>
            <button
              type="button"
              onClick={() => {
                end(one.id);
              }}
            >
              End
            </button>
          </li>
        ))}
      </ul>
      <p className="faint" role="status">
        {message}
      </p>
    </>
  );
}

/** Return the day of a time before its clock, if it is not today. */
export function dayOf(unixSeconds: number): string {
  const day = date(unixSeconds);
  return day === date(Date.now() / 1000) ? "" : `${day} `;
}

function textOf({ rule, severity, host, labels, by, comment }: Silence): string {
  const parts = [rule, severity, host, comment, by === null || by === "" ? "" : `by ${by}`];
  const pairs = Object.entries(labels ?? {}).map(([name, value]) => `${name} ${value}`);
  return [...parts.slice(0, 3), ...pairs, ...parts.slice(3)].filter(Boolean).join(" · ");
}
