/** Inside a container: what it may use, beside what the host has, and that the two are not the same. */
import { bytesText, fixed, percentText } from "../format/numbers";
import { useDisplay } from "../store/use-telemetry";
import { isLimited } from "./limited";
import { Facts, Panel } from "./panel";

export function Limits() {
  const cgroup = useDisplay((display) => display.sample?.sections.cgroup);
  const view = useDisplay((display) => display.sample?.sections.system?.view);
  const total = useDisplay((display) => display.sample?.sections.memory?.total_bytes);
  const cores = useDisplay((display) => display.sample?.sections.cpu?.online_count);
  if (cgroup === undefined || !isLimited(cgroup)) return null;
  return (
    <Panel
      title="Limits"
      explain="limits"
      section="cgroup"
      aside={view == null || view === "host" ? "this service" : "this container"}
    >
      <Facts
        rows={[
          [
            "memory",
            `${bytesText(cgroup.memory_working_set_bytes)} of ${bytesText(cgroup.memory_limit_bytes)}`,
          ],
          ["host has", bytesText(total)],
          [
            "cores",
            `${fixed((cgroup.cpu_usage_percent ?? 0) / 100, 2)} of ${fixed(cgroup.cpu_limit_cores, 2)}`,
          ],
          ["host has ", fixed(cores, 0)],
          ["throttled", percentText(cgroup.cpu_throttled_percent), "throttled"],
        ]}
      />
      {view !== "host" && <p className="f">memory and CPU are the host’s</p>}
    </Panel>
  );
}
