/** The section `cgroup`: the limits of the container or service in which the server runs. */
import type { Sample } from "../../protocol/frames";
import { loadedPanel } from "../../parts/loaded";
import { hasFailed } from "../../parts/presence";
import type { Section } from "../section";

/** Return whether there is a limit to show. Every process is in a cgroup, but most have no limit. */
function hasLimit(sample: Sample | null): boolean {
  const cgroup = sample?.sections.cgroup;
  return (
    cgroup !== undefined && (cgroup.memory_limit_bytes !== null || cgroup.cpu_limit_cores !== null)
  );
}

export const section: Section = {
  order: 90,
  panels: [
    {
      title: "Limits",
      place: "column",
      order: 20,
      isShown: (sample) => hasLimit(sample) || hasFailed(sample, "cgroup"),
      Panel: loadedPanel("Limits", async () => (await import("./panel")).Limits),
    },
  ],
};
