/** Loads the samples that telemetry is missing, while the connection of the page is open. */
import type { Hole } from "../store/holes";
import type { Telemetry } from "../store/telemetry";
import { Past, type PastOptions } from "../stream/past";

export interface LoadOptions extends PastOptions {
  /** Called when bytes arrive. */
  readonly heard: () => void;
}

/** Begin, and return the function that ends it. */
export function loadPast(address: string, telemetry: Telemetry, options: LoadOptions): () => void {
  const past = new Past<Hole>(
    address,
    {
      next: telemetry.hole,
      seconds: telemetry.holeSeconds,
      add: telemetry.fill,
      added: telemetry.filled,
      loading: telemetry.loading,
      idle: telemetry.idle,
      heard: options.heard,
    },
    options,
  );
  const follow = (): void => {
    if (telemetry.store.get().link.phase === "open") past.start();
    else past.stop();
  };
  const leave = telemetry.store.subscribe(follow);
  return () => {
    leave();
    past.stop();
  };
}
