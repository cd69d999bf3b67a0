/**
 * Puts the parts together: a connection feeds the store, the clock moves freshness on, a waking
 * browser cuts the wait short. Nothing runs before `start`, and nothing is left after its answer.
 */
import { decodeFrame } from "../protocol/decode";
import { streamAddress } from "../stream/address";
import { Connection, type Edges } from "../stream/connection";
import { onWake } from "../stream/wake";
import { createStore } from "../store/create-store";
import { freshness } from "../store/freshness";
import { createTelemetry } from "../store/telemetry";
import type { Session } from "../store/use-telemetry";

const RING_SLOTS = 600;
const CLOCK_MS = 1000;

export interface RunningSession extends Session {
  readonly start: () => () => void;
}

export function createSession(pageAddress: string, edges: Edges = {}): RunningSession {
  const now = () => performance.now();
  const telemetry = createTelemetry(now, RING_SLOTS);
  const clock = createStore(now());
  const connection = new Connection(
    () =>
      streamAddress(pageAddress, {
        historySeconds: RING_SLOTS,
        since: telemetry.resumePoint(),
      }),
    {
      opened: telemetry.opened,
      message: (text) => {
        telemetry.frame(decodeFrame(text));
        clock.set(now());
      },
      closed: telemetry.closed,
    },
    edges,
  );
  const tick = (): void => {
    clock.set(now());
    const state = telemetry.store.get();
    // Open but silent for long: nobody is there any more, whatever TCP believes.
    if (state.link.phase === "open" && freshness(state, now()).kind === "lost")
      connection.abandon();
  };
  return {
    telemetry,
    clock,
    tryNow: () => {
      connection.tryNow();
    },
    start: () => {
      connection.start();
      const timer = setInterval(tick, CLOCK_MS);
      const stopWaking = onWake(() => {
        connection.tryNow();
      });
      return () => {
        stopWaking();
        clearInterval(timer);
        connection.stop();
      };
    },
  };
}
