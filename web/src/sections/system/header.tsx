/**
 * The uptime, who is logged in, whether a reboot is required, and a word where the server runs in a container: part of
 * the numbers are then the host's.
 */
import { uptime } from "../../format/time";
import { explained } from "../../parts/explained";
import { usePicture } from "../../store/use-telemetry";

export function SystemFacts() {
  const seconds = usePicture(({ sample }) => sample?.uptime_seconds ?? null);
  const system = usePicture(({ sample }) => sample?.sections.system);
  const view = system?.view ?? "host";
  return (
    <>
      <span>up {uptime(seconds)}</span>
      {system?.sessions != null && system.sessions > 0 && (
        <span {...explained("system.sessions")} title={system.session_users ?? undefined}>
          {system.sessions} logged in
        </span>
      )}
      {system?.reboot_required === true && (
        <span className="warn" {...explained("system.reboot_required")}>
          ▲ reboot required
        </span>
      )}
      {view !== "host" && <span {...explained("cgroup")}>in a container</span>}
    </>
  );
}
