/**
 * A host: its connection feeds its telemetry, the clock and waking move its freshness on, and its display follows all of
 * them, once per tick of the host and never while the tab is hidden. Nothing runs before `start`, and
 * nothing after the function that `start` returns.
 */
import { decodeFrame } from "../protocol/decode";
import { maybeUnsupported } from "../protocol/ends";
import type { Hello } from "../protocol/frames";
import { columnsOf } from "../sections";
import type { LoadNotifier } from "../shell/notifications";
import { createChanges } from "../store/changes";
import type { Clock } from "../store/clock";
import { createStore } from "../store/create-store";
import { displayOf, snapshotOf, type Display, type Snapshot } from "../store/display";
import { silentAfterSeconds } from "../store/freshness";
import type { Host, Page } from "../store/page";
import { createProcessMemory } from "../store/process-memory";
import { everyFor, tickSeconds } from "../store/step";
import { createTelemetry, OVERDUE_AFTER_TICKS } from "../store/telemetry";
import { streamAddress } from "../stream/address";
import { Connection, type Environment } from "../stream/connection";
import { Pace } from "../stream/pace";
import { hostStream, RefusalProbe, requestJson, type Browser } from "../stream/refusal";
import { loadPast } from "./load-past";
import { watchSections } from "./watch-sections";

const RING_SLOTS = 600;
/** At one sample per second, a connection that works brings a message in this time. */
const PROBE_MS = 1500;
/** A line that is busy with the past delays messages. So a silence may be this many times as long while bytes arrive. */
const BUSY_FACTOR = 3;

export interface RunningHost extends Host {
  /** Loads what notifies of its alerts. */
  readonly loadNotifier: LoadNotifier;
  /** Returns the function that ends it. */
  readonly start: () => () => void;
  /** Called once per second. */
  readonly tick: () => void;
  /** The browser is online again, or the tab is shown. */
  readonly wake: (cause: "online" | "shown") => void;
}

/** What a host needs of the page. */
export interface Surroundings extends Pick<Page, "view" | "pause"> {
  readonly clock: Clock;
  readonly browser: Browser & Environment;
  /** The host of a front end; null: the host on which the server runs. */
  readonly hostId: string | null;
  /** A connection to this host begins. */
  readonly greeted: (hello: Hello) => void;
  /** Another host answers at the address of this one, for example behind a tunnel. */
  readonly superseded: () => void;
}

export function createHost(key: number, address: string, page: Surroundings): RunningHost {
  const { view, pause, clock, browser, hostId: host } = page;
  const now = clock.nowMs;
  const telemetry = createTelemetry(clock, columnsOf, RING_SLOTS);
  let snapshot: Snapshot | null = null;
  const compute = (before: Display | null) => {
    const span = { pause: pause.get(), windowSeconds: view.get().windowSeconds };
    return displayOf(telemetry, snapshot, span, now(), before);
  };
  const display = createStore(compute(null));

  const changes = createChanges();
  const processMemory = createProcessMemory();
  const probe = new RefusalProbe(address, browser, hostStream(host));
  const notBeforeMs = { current: -Infinity };
  const pace = new Pace();
  let every = 1;
  /** How often the connection was replaced since the last sample. */
  let replaced = 0;
  // When the connection began, was replaced, or sent a message: a new one gets as much time as the old one had.
  let heardAtMs = now();
  const heard = (): void => {
    heardAtMs = now();
  };
  /** When bytes of the past arrived. They come over a connection of their own, so they prove little about this one. */
  let bytesAtMs = -Infinity;
  const connection: Connection = new Connection(
    () => streamAddress(address, { host, every }),
    {
      opened: () => {
        heard();
        probe.opened();
        telemetry.opened();
      },
      message: (text) => {
        heard();
        const frame = decodeFrame(text);
        if (frame.type === "hello" && !accepted(frame.hello)) return;
        telemetry.frame(frame, typeof text === "string" ? text.length : 0);
        if (frame.type === "sample") sampled();
      },
      closed: (end, nextTryInMs) => {
        pace.reset();
        telemetry.closed(end, nextTryInMs);
      },
      diagnose: (end, signal) => probe.diagnose(end, signal),
    },
    browser,
  );
  const replace = (): void => {
    heard();
    replaced += 1;
    telemetry.replaced();
    connection.replace();
  };
  const sampled = (): void => {
    replaced = 0;
    const { delaySeconds, hello } = telemetry.store.get();
    if (hello === null || !pace.sample(delaySeconds ?? 0)) return;
    every = everyFor(hello) * pace.factor;
    replace();
  };
  /** Return whether this host stays with this connection. */
  const accepted = (hello: Hello): boolean => {
    const unsupported = maybeUnsupported(hello.protocol);
    if (unsupported !== null) {
      page.greeted(hello); // a page on a wall loads the page that this server has
      connection.stop();
      telemetry.closed(unsupported, null);
      return false;
    }
    const before = telemetry.store.get().hello;
    if (before !== null && before.host.id !== hello.host.id) {
      page.superseded();
      return false;
    }
    if (everyFor(hello) * pace.factor !== every) {
      every = everyFor(hello) * pace.factor;
      replace();
      return false;
    }
    page.greeted(hello);
    return true;
  };
  const isOpen = (): boolean => telemetry.store.get().link.phase === "open";
  const silentSeconds = (): number => (now() - heardAtMs) / 1000;
  const isDead = (): boolean => {
    const limit = silentAfterSeconds(telemetry.store.get(), replaced);
    const isBusy = (now() - bytesAtMs) / 1000 <= limit;
    return silentSeconds() > (isBusy ? limit * BUSY_FACTOR : limit);
  };

  // A socket reports OPEN although its peer is gone, so only a message proves that the connection works.
  let probeTimer: ReturnType<typeof setTimeout> | undefined;
  const check = (): void => {
    if (!isOpen()) {
      connection.wake();
      return;
    }
    const since = now();
    clearTimeout(probeTimer);
    probeTimer = setTimeout(() => {
      if (isOpen() && heardAtMs <= since) replace();
    }, PROBE_MS);
  };
  const wake = (cause: "online" | "shown"): void => {
    const { hello } = telemetry.store.get();
    // The network may be another one now. A tab that is shown has proof enough in a recent message.
    const silent = silentSeconds() > OVERDUE_AFTER_TICKS * tickSeconds(hello);
    if (cause === "online" || silent || !isOpen()) check();
    refresh();
  };
  let asleepMs = clock.asleepMs();
  /** Return whether the laptop slept since the last call: its connections did not survive, whatever they report. */
  const hasSlept = (): boolean => {
    const before = asleepMs;
    asleepMs = clock.asleepMs();
    return asleepMs !== before;
  };
  let due = false;
  const refresh = (): void => {
    if (due || document.visibilityState === "hidden") return;
    due = true;
    queueMicrotask(() => {
      due = false;
      display.set(compute(display.get()));
    });
  };
  /** Keep what the page shows when it pauses, because the samples go on. */
  const freeze = (): void => {
    snapshot = pause.get() === null ? null : (snapshot ?? snapshotOf(telemetry));
    refresh();
  };
  let tickedAtMs = 0;
  const tick = (): void => {
    // Open but silent for too long: the server is gone, although TCP does not know it.
    const slept = hasSlept();
    if (isOpen() && (slept || isDead())) {
      replace();
    } else if (slept) {
      connection.wake();
    }
    // While samples arrive, each one is drawn when it arrives, and nothing changes between two of them.
    const { arrivedAtMs } = telemetry.store.get();
    if (arrivedAtMs === null || arrivedAtMs <= tickedAtMs) refresh();
    tickedAtMs = now();
  };
  return {
    loadNotifier: async () => {
      const { notifyOf } = await import("../shell/notifier");
      return () => notifyOf(telemetry);
    },
    key,
    id: host,
    telemetry,
    display,
    processMemory,
    address: new URL(".", address).href,
    startedUnix: clock.unixSeconds(),
    tryNow: () => {
      connection.start(); // it is stopped after a server with another protocol
      connection.tryNow();
    },
    watchSections: (sections, listener) =>
      watchSections(
        () => streamAddress(address, { host, every, sections }),
        listener,
        {
          telemetry,
          pause,
          processMemory,
          probe: new RefusalProbe(address, browser, hostStream(host)),
          changes,
          notBeforeMs,
          nowMs: now,
        },
        browser,
      ),
    request: (path, signal, received) => {
      const url = new URL(path, address);
      if (host !== null) url.searchParams.set("host", host);
      return requestJson(url.href, browser, signal, { received });
    },
    tick,
    wake,
    start: () => {
      connection.start();
      const undo = [
        telemetry.store.subscribe(() => {
          changes.add(refresh);
        }),
        pause.subscribe(freeze),
        view.subscribe(refresh),
        loadPast(address, telemetry, {
          ...browser,
          host,
          every: () => every,
          tickSeconds: () => tickSeconds(telemetry.store.get().hello),
          heard: () => {
            bytesAtMs = now();
          },
          checkLogin: () => void new RefusalProbe(address, browser, hostStream(host)).checkLogin(),
        }),
      ];
      return () => {
        for (const leave of undo) leave();
        changes.clear();
        clearTimeout(probeTimer);
        connection.stop();
      };
    },
  };
}
