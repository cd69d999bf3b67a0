/**
 * Puts the parts together: connections feed the stores, the clock moves freshness on, a waking
 * browser cuts a wait short, and the display follows them all, at most once per turn of the event
 * loop and never while the tab is hidden. Nothing runs before `start`, nothing is left after its end.
 */
import { decodeFrame } from "../protocol/decode";
import { isRefusal } from "../protocol/ends";
import type { Hello } from "../protocol/frames";
import { createActions } from "../store/actions";
import { createStore } from "../store/create-store";
import { displayOf, type Display, type Freeze } from "../store/display";
import { silentAfterSeconds } from "../store/freshness";
import { createProcessTable, type ProcessTable } from "../store/processes";
import { createTelemetry, type Telemetry } from "../store/telemetry";
import type { Session } from "../store/use-telemetry";
import { DEFAULT_VIEW, type View } from "../store/view";
import { streamAddress } from "../stream/address";
import { Connection, type Edges } from "../stream/connection";
import { logOut } from "../stream/log-out";
import { BROWSER, Refusals, type Browser } from "../stream/refusal";
import { onWake } from "../stream/wake";

const RING_SLOTS = 600;
const CLOCK_MS = 1000;

export interface RunningSession extends Session {
  readonly start: () => () => void;
}

export function createSession(
  address: string,
  view: View = DEFAULT_VIEW,
  edges: Edges & Partial<Browser> = {},
): RunningSession {
  const now = () => performance.now();
  const unix = () => (performance.timeOrigin + performance.now()) / 1000;
  const telemetry = createTelemetry({ monotonicMs: now, unixSeconds: unix }, RING_SLOTS);
  const processes = createProcessTable();
  const views = createStore(view);
  const freeze = createStore<Freeze | null>(null);
  const cursor = createStore<number | null>(null);
  const compute = (before: Display | null) =>
    displayOf(telemetry, freeze.get(), views.get().windowSeconds, now(), before);
  const display = createStore(compute(null));

  const browser = { ...BROWSER, ...edges };
  const refusals = new Refusals(address, browser);
  let every = 1;
  // When this connection began, was given up last, or said something: a new one has as long as the old one had.
  let heardAtMs = now();
  const main: Connection = new Connection(
    () =>
      streamAddress(address, { every, historySeconds: RING_SLOTS, since: telemetry.resumePoint() }),
    {
      opened: () => {
        heardAtMs = now();
        refusals.opened();
        telemetry.opened();
      },
      message: (text) => {
        heardAtMs = now();
        const frame = decodeFrame(text);
        if (frame.type === "hello" && everyFor(frame.hello) !== every) {
          every = everyFor(frame.hello);
          main.abandon();
          return;
        }
        telemetry.frame(frame, typeof text === "string" ? text.length : 0);
      },
      closed: telemetry.closed,
      why: (end, signal) => refusals.why(end, signal),
    },
    edges,
  );
  let due = false;
  const refresh = (): void => {
    if (due || document.visibilityState === "hidden") return;
    due = true;
    queueMicrotask(() => {
      due = false;
      display.set(compute(display.get()));
    });
  };
  const tick = (): void => {
    const state = telemetry.store.get();
    // Open but silent for long: nobody is there any more, whatever TCP believes.
    const silentSeconds = (now() - heardAtMs) / 1000;
    if (state.link.phase === "open" && silentSeconds > silentAfterSeconds(state)) {
      heardAtMs = now();
      main.abandon();
    }
    refresh();
  };
  return {
    telemetry,
    processes,
    view: views,
    freeze,
    cursor,
    display,
    actions: createActions({ telemetry, view: views, freeze, cursor, now }),
    address: new URL(".", address).href,
    startedUnix: unix(),
    tryNow: () => {
      main.tryNow();
    },
    logOut: () => logOut(address, browser),
    watchProcesses: () =>
      watch(
        telemetry,
        () => streamAddress(address, { every, sections: ["processes"] }),
        processes,
        new Refusals(address, browser),
        freeze,
        edges,
      ),
    start: () => {
      main.start();
      const timer = setInterval(tick, CLOCK_MS);
      const leave = [
        telemetry.store.subscribe(refresh),
        freeze.subscribe(refresh),
        views.subscribe(refresh),
        onWake(() => {
          main.tryNow();
          refresh();
        }),
      ];
      return () => {
        for (const undo of leave) undo();
        clearInterval(timer);
        main.stop();
      };
    },
  };
}

/** Nobody reads faster than once a second: of a quicker stream the page takes one sample a second. */
function everyFor({ interval_seconds }: Hello): number {
  return Math.max(1, Math.round(1 / interval_seconds));
}

/**
 * The second connection: the server collects processes only while somebody asks for them. It lives only
 * while the first one does, so that it never takes the last place before it, nor asks why when that asks.
 */
function watch(
  { store }: Telemetry,
  address: () => string,
  processes: ProcessTable,
  refusals: Refusals,
  freeze: Session["freeze"],
  edges: Edges,
): () => void {
  const connection = new Connection(
    address,
    {
      opened: () => {
        refusals.opened();
      },
      message: (text) => {
        // A table that stands still while somebody reads it is the point of pausing.
        if (freeze.get() === null) processes.frame(decodeFrame(text));
      },
      closed: (end) => {
        if (isRefusal(end)) processes.failed(end.why);
      },
      // Where this viewer is shown out for good, the first connection is, too, and asks.
      why: (end, signal) => (end.retry ? refusals.why(end, signal) : Promise.resolve(end)),
    },
    edges,
  );
  const follow = (): void => {
    const { link, hello } = store.get();
    if (link.phase === "open" && hello !== null) connection.start();
    else connection.stop();
  };
  follow();
  const unfollow = store.subscribe(follow);
  const stopWaking = onWake(() => {
    connection.tryNow();
  });
  return () => {
    unfollow();
    stopWaking();
    connection.stop();
  };
}
