/** The uptime, and a word where the server runs in a container: part of the numbers are then the host's. */
import { uptime } from "../../format/time";
import { explained } from "../../parts/explained";
import { usePicture } from "../../store/use-telemetry";

export function SystemFacts() {
  const seconds = usePicture(({ sample }) => sample?.uptime_seconds ?? null);
  const view = usePicture(({ sample }) => sample?.sections.system?.view ?? "host");
  return (
    <>
      <span>up {uptime(seconds)}</span>
      {view !== "host" && <span {...explained("cgroup")}>in a container</span>}
    </>
  );
}
