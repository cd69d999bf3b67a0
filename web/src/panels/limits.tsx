/** Inside a container: what it may use, beside what the host has, and that the two are not the same. */
import { bytesText, fixed, percentText } from "../format/numbers";
import { usePicture } from "../store/use-telemetry";
import { isLimited } from "./limited";
import { Facts, Panel } from "./panel";

export function Limits() {
  const cgroup = usePicture((picture) => picture.sample?.sections.cgroup);
  const view = usePicture((picture) => picture.sample?.sections.system?.view);
  const total = usePicture((picture) => picture.sample?.sections.memory?.total_bytes);
  const cores = usePicture((picture) => picture.sample?.sections.cpu?.online_count);
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
