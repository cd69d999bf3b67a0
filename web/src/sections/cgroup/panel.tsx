/** The limits of this container or service, each with what the host has. */
import { bytesText, fixed, percentText } from "../../format/numbers";
import { Facts, Panel } from "../../parts/panel";
import { usePicture } from "../../store/use-telemetry";

export function Limits() {
  const { cgroup, system, memory, cpu } = usePicture(({ sample }) => sample?.sections) ?? {};
  const view = system?.view;
  const usedCores = cgroup?.cpu_usage_percent == null ? null : cgroup.cpu_usage_percent / 100;
  return (
    <Panel
      title="Limits"
      explain="cgroup"
      section="cgroup"
      aside={view == null || view === "host" ? "this service" : "this container"}
    >
      <Facts
        facts={[
          {
            name: "memory",
            value: `${bytesText(cgroup?.memory_working_set_bytes)} of ${bytesText(cgroup?.memory_limit_bytes)}`,
          },
          { name: "host has", value: bytesText(memory?.total_bytes) },
          {
            name: "cores",
            value: `${fixed(usedCores, 2)} of ${fixed(cgroup?.cpu_limit_cores, 2)}`,
          },
          { name: "host has", value: fixed(cpu?.online_count, 0) },
          {
            name: "throttled",
            value: percentText(cgroup?.cpu_throttled_percent),
            explain: "cgroup.cpu_throttled_percent",
          },
        ]}
      />
      {view !== "host" && <p className="faint">other panels show the host’s memory and CPU</p>}
    </Panel>
  );
}
