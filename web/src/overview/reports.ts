/**
 * Decides when to request `/api/v1/hosts`, which has the names of the hosts, the reasons of failures and the version of the
 * server: once for each connection, when a message with names was lost, and when hosts fail. At most every 5 s.
 */
import type { HostsReport, Reading } from "./frames";

export interface Reports {
  /** Called with each overview. `isOutdated`: it has another revision than the names. */
  readonly check: (readings: readonly Reading[], isOutdated: boolean) => void;
  /** The connection has ended: behind the next one there may be a newer server. */
  readonly interrupted: () => void;
  readonly stop: () => void;
}

export interface ReportsOptions {
  /** The first one, if the page has it already. */
  readonly first: HostsReport | null;
  /** Resolves to null if there is no answer that can be read. */
  readonly request: (signal: AbortSignal) => Promise<HostsReport | null>;
  readonly take: (report: HostsReport) => void;
  readonly now: () => number;
}

const ASK_EVERY_MS = 5000;
/** The reasons of hosts that do not answer may change without a change of their state. */
const ASK_AGAIN_MS = 60_000;

export function createReports({ first, request, take, now }: ReportsOptions): Reports {
  let isReported = first !== null;
  let askedAtMs = first === null ? -Infinity : now();
  let failing = failingOf(first?.readings ?? []);
  let asking: AbortController | null = null;
  const ask = async (): Promise<void> => {
    askedAtMs = now();
    const controller = new AbortController();
    asking = controller;
    const report = await request(controller.signal);
    if (asking !== controller) return; // it was stopped in the meantime
    asking = null;
    if (report === null) return;
    isReported = true;
    take(report);
  };
  return {
    check: (readings, isOutdated) => {
      const sinceMs = now() - askedAtMs;
      const present = failingOf(readings);
      const isDue =
        !isReported ||
        isOutdated ||
        present !== failing ||
        (present !== "" && sinceMs > ASK_AGAIN_MS);
      if (!isDue || sinceMs < ASK_EVERY_MS || asking !== null) return;
      failing = present;
      void ask();
    },
    interrupted: () => {
      isReported = false;
    },
    stop: () => {
      asking?.abort();
      asking = null;
    },
  };
}

/** Return a text that changes when a host begins or ends to fail, or fails in another way. */
function failingOf(readings: readonly Reading[]): string {
  return readings
    .filter(({ state }) => state !== "live" && state !== "gone")
    .map(({ number, state }) => `${number} ${state}`)
    .join();
}
