/**
 * A connection for on-demand sections, which the server collects only while a viewer asks for them. It is open only
 * while the connection of the host is: so it never uses the last slot of the server before that one does, and never
 * asks for a reason at the same time.
 */
import { decodeFrame } from "../protocol/decode";
import { isRefusal } from "../protocol/ends";
import type { Changes } from "../store/changes";
import type { Store } from "../store/create-store";
import { silentAfterSeconds } from "../store/freshness";
import type { SectionListener } from "../store/page";
import type { ProcessMemory } from "../store/process-memory";
import { tickSeconds } from "../store/step";
import type { Telemetry } from "../store/telemetry";
import type { Pause } from "../store/timeline";
import { Connection, type Environment } from "../stream/connection";
import type { RefusalProbe } from "../stream/refusal";
import { onWake } from "../stream/wake";

export interface WatchContext {
  readonly telemetry: Telemetry;
  readonly pause: Store<Pause | null>;
  readonly processMemory: ProcessMemory;
  readonly probe: RefusalProbe;
  /** That of the host: its sample and these sections are drawn together. */
  readonly changes: Changes;
  /** The server's Retry-After by the clock of the page, which the connections of a host share. */
  readonly notBeforeMs: { current: number };
  readonly nowMs: () => number;
}

/** Open the connection, and return the function that ends it. */
export function watchSections(
  address: () => string,
  listener: SectionListener,
  { telemetry, pause, processMemory, probe, changes, notBeforeMs, nowMs }: WatchContext,
  environment: Environment,
): () => void {
  const received = telemetry.countSide();
  /** How often the connection was replaced since its last sample. */
  let replaced = 0;
  let silence: ReturnType<typeof setTimeout> | undefined;
  /** The connection of the host cannot show that this one is dead, and its values have no age on the page. */
  const heard = (): void => {
    clearTimeout(silence);
    const seconds = silentAfterSeconds(telemetry.store.get(), replaced);
    silence = setTimeout(() => {
      replaced += 1;
      received(0);
      connection.replace();
    }, seconds * 1000);
  };
  const connection: Connection = new Connection(
    address,
    {
      opened: () => {
        heard();
        probe.opened();
      },
      message: (text) => {
        const frame = decodeFrame(text);
        if (frame.type === "sample") replaced = 0;
        heard();
        if (frame.type === "sample" && typeof text === "string") {
          received(text.length / tickSeconds(telemetry.store.get().hello));
        }
        changes.add(() => {
          // A paused page does not change.
          if (pause.get() !== null) return;
          if (frame.type === "sample") processMemory.add(frame.sample);
          listener.frame(frame);
        });
      },
      closed: (end) => {
        clearTimeout(silence);
        received(0);
        if (end.retryAfterSeconds !== undefined) {
          notBeforeMs.current = nowMs() + end.retryAfterSeconds * 1000;
        }
        if (isRefusal(end)) listener.failed(end.reason);
      },
      // An end without another try ends the connection of the host as well, which asks for the reason itself.
      diagnose: (end, signal) => (end.retry ? probe.diagnose(end, signal) : Promise.resolve(end)),
    },
    environment,
  );
  const stop = (): void => {
    clearTimeout(silence);
    connection.stop();
    received(0);
  };
  const follow = (): void => {
    const { link, hello } = telemetry.store.get();
    if (link.phase !== "open" || hello === null) stop();
    // Called again with each sample.
    else if (nowMs() >= notBeforeMs.current) connection.start();
  };
  follow();
  const unfollow = telemetry.store.subscribe(follow);
  const stopWaking = onWake(() => {
    connection.wake();
  });
  return () => {
    unfollow();
    stopWaking();
    stop();
  };
}
