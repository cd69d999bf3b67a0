/** The table of containers: CPU, memory and network. It asks for them only while it is on screen. */
import { useCallback, useRef, useState } from "react";

import {
  byteRateText,
  bytesShort,
  bytesText,
  count,
  fixed,
  percentText,
  UNKNOWN,
} from "../../format/numbers";
import { age } from "../../format/time";
import { DeviceTable, type DeviceRow } from "../../parts/device-table";
import { useOnScreen } from "../../parts/on-screen";
import { levelAbout, type Level } from "../../store/alerts";
import { useHost, useShown, useStore } from "../../store/use-telemetry";
import type { Container } from "../../protocol/sections";
import { createNewestContainers, shownName } from "./newest";
import "./containers.css";

/** The sections that have something about a container. */
const ABOUT = ["containers", "container_restarts"];

export function ContainersPanel() {
  const { watchSections } = useHost();
  const [containers] = useState(createNewestContainers);
  const place = useRef<HTMLDivElement>(null);
  const watch = useCallback(
    () => watchSections(["containers"], containers),
    [watchSections, containers],
  );
  useOnScreen(place, watch);
  const alerts = useShown((state) => state.alerts);
  const { rows, failure } = useStore(containers.store, (now) => now);
  return (
    <div ref={place}>
      <DeviceTable
        title="Containers"
        explain="containers"
        section="container_counts"
        className="containers"
        columns={[
          { name: "cpu %", width: "cpu", explain: "containers[].cpu_percent" },
          { name: "memory", width: "rate", explain: "containers[].memory_working_set_bytes" },
          { name: "net /s", width: "rate" },
        ]}
        rows={rows?.map((one) => rowOf(one, levelAbout(alerts, ABOUT, { id: one.id })))}
        empty="no containers"
      />
      {failure !== null && <p className="reason">▲ failed: {failure}</p>}
    </div>
  );
}

/** The container engine decides whether it is unhealthy. */
function rowOf(one: Container, level: Level | undefined): DeviceRow {
  const { rx_bytes_per_second: received, tx_bytes_per_second: sent } = one;
  return {
    id: `${one.runtime} ${one.id} ${one.name ?? ""}`,
    name: shownName(one),
    level: level ?? (one.health === "unhealthy" ? "warn" : undefined),
    faint: false,
    cells: [
      { text: fixed(one.cpu_percent, 1) },
      { text: bytesShort(one.memory_working_set_bytes) },
      { text: bytesShort(received === null || sent === null ? null : received + sent) },
    ],
    facts: factsOf(one),
  };
}

function factsOf(one: Container): DeviceRow["facts"] {
  const known = (name: string, value: string | null) =>
    value === null ? [] : [[name, value] as const];
  const { cpu_limit_cores: cores, memory_limit_bytes: memory, age_seconds: seconds } = one;
  const ofLimit = (share: number | null, limit: number | null, text: string) => {
    if (limit !== null) return `${percentText(share)} of ${text}`;
    return seconds === null ? UNKNOWN : "no limit"; // Limits are not read in each sample.
  };
  return [
    ["runtime", one.runtime],
    ["id", one.id],
    ...known("image", one.image),
    ...known("health", one.health),
    ...known("pod", one.pod),
    ...known("unit", one.unit),
    ["restarts", count(one.restarts)],
    ["cpu", ofLimit(one.cpu_limit_used_percent, cores, `${fixed(cores, 2)} cores`)],
    ["throttled", percentText(one.cpu_throttled_percent)],
    ["memory", ofLimit(one.memory_percent, memory, bytesText(memory))],
    [
      "tasks",
      one.pids_limit === null ? count(one.pids) : `${count(one.pids)} of ${count(one.pids_limit)}`,
    ],
    [
      "read, written",
      `${byteRateText(one.read_bytes_per_second)}, ${byteRateText(one.write_bytes_per_second)}`,
    ],
    [
      "received, sent",
      `${byteRateText(one.rx_bytes_per_second)}, ${byteRateText(one.tx_bytes_per_second)}`,
    ],
    [
      "cpu, memory, io stall",
      [one.cpu_stall_percent, one.memory_stall_percent, one.io_stall_percent]
        .map(percentText)
        .join(", "),
    ],
    ["read", seconds === null ? UNKNOWN : `${age(seconds)} ago`],
    ...(one.labels ?? []).map(({ name, value }) => [name, value ?? UNKNOWN] as const),
  ];
}
