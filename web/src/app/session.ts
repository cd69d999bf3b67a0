/**
 * Connects the parts: the connection feeds telemetry, the clock and waking move freshness on, and the display follows
 * all of them, at most once per turn of the event loop and never while the tab is hidden. The title and the icon of the
 * tab follow always. Nothing runs before `start`, and nothing after the function that `start` returns.
 */
import { decodeFrame } from "../protocol/decode";
import { maybeUnsupported } from "../protocol/ends";
import type { Hello } from "../protocol/frames";
import { columnsOf, readingsOf } from "../sections";
import { showInTab, tabStatus } from "../shell/tab";
import { createActions } from "../store/actions";
import { createClock } from "../store/clock";
import { createStore } from "../store/create-store";
import { displayOf, type Display, type Snapshot } from "../store/display";
import { silentAfterSeconds } from "../store/freshness";
import { createTelemetry, LATE_AFTER_TICKS, tickSeconds } from "../store/telemetry";
import type { Session } from "../store/use-telemetry";
import { DEFAULT_VIEW, type View } from "../store/view";
import { streamAddress } from "../stream/address";
import { Connection, type Environment } from "../stream/connection";
import { logOut } from "../stream/log-out";
import { BROWSER, RefusalProbe, type Browser } from "../stream/refusal";
import { onWake } from "../stream/wake";
import { watchSections } from "./watch-sections";

const RING_SLOTS = 600;
const CLOCK_MS = 1000;
/** At one sample per second, a connection that works brings a message in this time. */
const PROBE_MS = 1500;

export interface RunningSession extends Session {
  /** Returns the function that ends it. */
  readonly start: () => () => void;
}

export function createSession(
  address: string,
  view: View = DEFAULT_VIEW,
  environment: Environment & Partial<Browser> = {},
): RunningSession {
  const clock = createClock();
  const now = clock.nowMs;
  const telemetry = createTelemetry(clock, { columnsOf, readingsOf }, RING_SLOTS);
  const views = createStore(view);
  const snapshot = createStore<Snapshot | null>(null);
  const cursor = createStore<number | null>(null);
  const compute = (before: Display | null) =>
    displayOf(telemetry, snapshot.get(), views.get().windowSeconds, now(), before);
  const display = createStore(compute(null));

  const actions = createActions({ telemetry, view: views, snapshot, cursor, now });

  const browser = { ...BROWSER, ...environment };
  const probe = new RefusalProbe(address, browser);
  let every = 1;
  // When the connection began, was replaced, or sent a message: a new one gets as much time as the old one had.
  let heardAtMs = now();
  const connection: Connection = new Connection(
    () =>
      streamAddress(address, { every, historySeconds: RING_SLOTS, since: telemetry.resumePoint() }),
    {
      opened: () => {
        heardAtMs = now();
        probe.opened();
        telemetry.opened();
      },
      message: (text) => {
        heardAtMs = now();
        const frame = decodeFrame(text);
        if (frame.type === "hello" && !greeted(frame.hello)) return;
        telemetry.frame(frame, typeof text === "string" ? text.length : 0);
      },
      closed: telemetry.closed,
      diagnose: (end, signal) => probe.diagnose(end, signal),
    },
    environment,
  );
  const replace = (): void => {
    heardAtMs = now();
    telemetry.replaced();
    connection.replace();
  };
  /** Return whether the page stays with this connection. */
  const greeted = (hello: Hello): boolean => {
    const unsupported = maybeUnsupported(hello.protocol);
    if (unsupported !== null) {
      connection.stop();
      telemetry.closed(unsupported, null);
      return false;
    }
    if (everyFor(hello) !== every) {
      every = everyFor(hello);
      replace();
      return false;
    }
    const before = telemetry.store.get();
    if (before.hello !== null && before.hello.host.id !== hello.host.id) actions.live();
    // Nobody can press a button on a wall, so the page of the older server would stay for months.
    const isOutdated = before.firstVersion !== null && before.firstVersion !== hello.version;
    if (isOutdated && views.get().kiosk) browser.reload();
    return true;
  };
  const isOpen = (): boolean => telemetry.store.get().link.phase === "open";
  const silentSeconds = (): number => (now() - heardAtMs) / 1000;

  // A socket reports OPEN although its peer is gone, so only a message proves that the connection works.
  let probeTimer: ReturnType<typeof setTimeout> | undefined;
  const check = (): void => {
    if (!isOpen()) {
      connection.tryNow();
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
    const silent = silentSeconds() > LATE_AFTER_TICKS * tickSeconds(hello);
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
  const showTab = (): void => {
    showInTab(tabStatus(telemetry.store.get(), now()));
  };
  const tick = (): void => {
    // Open but silent for too long: the server is gone, although TCP does not know it.
    const slept = hasSlept();
    if (isOpen() && (slept || silentSeconds() > silentAfterSeconds(telemetry.store.get()))) {
      replace();
    } else if (slept) {
      connection.tryNow();
    }
    showTab();
    refresh();
  };
  return {
    telemetry,
    view: views,
    snapshot,
    cursor,
    display,
    actions,
    address: new URL(".", address).href,
    startedUnix: clock.unixSeconds(),
    tryNow: () => {
      connection.start(); // it is stopped after a server with another protocol
      connection.tryNow();
    },
    reload: browser.reload,
    logOut: () => logOut(address, browser),
    watchSections: (sections, listener) =>
      watchSections(
        () => streamAddress(address, { every, sections }),
        listener,
        { telemetry, snapshot, probe: new RefusalProbe(address, browser) },
        environment,
      ),
    start: () => {
      connection.start();
      const timer = setInterval(tick, CLOCK_MS);
      const undo = [
        telemetry.store.subscribe(refresh),
        telemetry.store.subscribe(showTab),
        snapshot.subscribe(refresh),
        views.subscribe(refresh),
        onWake(wake),
      ];
      return () => {
        for (const leave of undo) leave();
        clearInterval(timer);
        clearTimeout(probeTimer);
        connection.stop();
      };
    },
  };
}

/** Return the n for which the page asks for every n-th sample: it shows at most one sample per second. */
function everyFor({ interval_seconds }: Hello): number {
  return Math.max(1, Math.round(1 / interval_seconds));
}
