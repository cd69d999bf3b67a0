/**
 * Every chart of the page and its pictures, as data, from what the host has. Colour follows role:
 * s1 in, read, used, user; s2 out, written, system; s3 waiting; s8 irq; s5 steal.
 */
import { byteRateText, bytesText, count, fixed, percentText, UNKNOWN } from "../format/numbers";
import type { Sample } from "../protocol/frames";
import type { Focus } from "../store/view";
import { IO_STALL_WARN_PERCENT } from "../store/thresholds";
import type { Slice } from "../store/ring";
import { perRow, rowNames } from "./rows";
import { COLOURS, type ChartSpec, type SeriesSpec } from "./spec";

export const FACETS: Readonly<Record<Focus, readonly string[]>> = {
  cpu: ["states", "cores"],
  memory: ["use", "swap"],
  load: ["load", "threads", "stalled", "all stalled"],
  network: ["total", "interfaces", "packets", "tcp", "retransmits"],
  disk: ["total", "busy", "operations", "wait", "queue"],
  heat: ["sensors"],
};

type Facets = Readonly<Record<string, string>>;

/** The five places, top to bottom, each with what stands in it now. */
export function chartsFor(
  sample: Sample | null,
  focus: Focus,
  facets: Facets,
  slice: Slice | null = null,
): ChartSpec[] {
  const has = (name: keyof Sample["sections"]): boolean =>
    sample === null || sample.sections[name] !== undefined;
  const charts: ChartSpec[] = [];
  const add = (id: Focus, spec: Picture): void => {
    charts.push({ id, facets: FACETS[id], facet: facets[id] ?? FACETS[id][0] ?? "", ...spec });
  };
  add("cpu", cpu(sample, facets["cpu"]));
  add("memory", memory(sample, facets["memory"]));
  if (focus === "load" || !has("pressure")) add("load", load(facets["load"]));
  else charts.push({ id: "load", facets: [], facet: "", ...pressure("some") });
  if (has("network") || has("interfaces"))
    add("network", network(sample, facets["network"], slice));
  if (has("temperatures") && (focus === "heat" || !(has("disk") || has("disks"))))
    add("heat", heat(sample, slice));
  else if (has("disk") || has("disks")) add("disk", disk(sample, facets["disk"], slice));
  return charts;
}

type Picture = Omit<ChartSpec, "id" | "facets" | "facet">;

function one(label: string, column: string, colour: SeriesSpec["colour"]): SeriesSpec {
  return { label, columns: [column], colour };
}

function cpu(sample: Sample | null, facet: string | undefined): Picture {
  const online = sample?.sections.cpu?.online_count;
  const unit = online == null ? "%" : `% of ${online} ${online === 1 ? "core" : "cores"}`;
  const shared = { name: "CPU", unit, full: 100, format: percentText } as const;
  if (facet === "cores") {
    const cores = sample?.sections.cpu?.cores ?? [];
    const series = cores.map(({ id }) => one(`core ${id}`, `cpu.cores.${id}.usage_percent`, "s1"));
    return { ...shared, unit: "% per core", kind: "cells", series };
  }
  return {
    ...shared,
    kind: "stack",
    series: [
      {
        label: "user",
        columns: ["cpu.user_percent", "cpu.nice_percent", "cpu.guest_percent"],
        colour: "s1",
      },
      one("system", "cpu.system_percent", "s2"),
      { label: "irq", columns: ["cpu.irq_percent", "cpu.softirq_percent"], colour: "s8" },
      one("steal", "cpu.steal_percent", "s5"),
      one("iowait", "cpu.iowait_percent", "s3"),
    ],
  };
}

function memory(sample: Sample | null, facet: string | undefined): Picture {
  if (facet === "swap") {
    return {
      name: "Swap",
      unit: "/s",
      kind: "lines",
      bytes: true,
      format: byteRateText,
      series: [
        one("in", "swap.in_bytes_per_second", "s1"),
        one("out", "swap.out_bytes_per_second", "s2"),
      ],
    };
  }
  const total = sample?.sections.memory?.total_bytes;
  return {
    name: "Memory",
    unit: "",
    kind: "stack",
    bytes: true,
    format: bytesText,
    ...(total != null && { full: total }),
    series: [
      one("used", "memory.used_bytes", "s1"),
      one("reclaimable", "memory.reclaimable_bytes", "s2"),
      one("free", "memory.free_bytes", "free"),
    ],
  };
}

function pressure(part: "some" | "full"): Picture {
  return {
    name: "Pressure",
    unit: part === "some" ? "% of time stalled" : "% of time all stalled",
    kind: "lines",
    floor: 10,
    format: percentText,
    series: [
      one("cpu", `pressure.cpu.${part}_percent`, "s1"),
      one("memory", `pressure.memory.${part}_percent`, "s2"),
      one("io", `pressure.io.${part}_percent`, "s3"),
    ],
    ...(part === "some" && { limit: { value: IO_STALL_WARN_PERCENT, label: "io" } }),
  };
}

function load(facet: string | undefined): Picture {
  if (facet === "stalled") return pressure("some");
  if (facet === "all stalled") return pressure("full");
  if (facet === "threads") {
    return {
      name: "Threads",
      unit: "running and waiting for disk",
      kind: "lines",
      floor: 2,
      format: (value) => fixed(value, 0),
      series: [
        one("running", "load.procs_running", "s1"),
        one("blocked", "load.procs_blocked", "s3"),
      ],
    };
  }
  return {
    name: "Load",
    unit: "threads, averaged",
    kind: "steps",
    floor: 1,
    format: (value) => fixed(value, 2),
    series: [
      one("1 min", "load.avg1", "s1"),
      one("5 min", "load.avg5", "s2"),
      one("15 min", "load.avg15", "s8"),
    ],
  };
}

function network(sample: Sample | null, facet: string | undefined, slice: Slice | null): Picture {
  const bytes = {
    name: "Network",
    unit: "/s",
    kind: "lines",
    bytes: true,
    format: byteRateText,
  } as const;
  const names = rowNames(sample?.sections.interfaces);
  const tcp = { name: "TCP", kind: "lines", floor: 1 } as const;
  switch (facet) {
    case "interfaces":
      return {
        ...bytes,
        ...perRow(
          slice,
          "interfaces",
          names,
          ["rx_bytes_per_second", "tx_bytes_per_second"],
          "sum",
        ),
      };
    case "packets":
      return {
        name: "Packets",
        unit: "/s",
        kind: "lines",
        floor: 10,
        format: perSecond,
        ...perRow(
          slice,
          "interfaces",
          names,
          ["rx_packets_per_second", "tx_packets_per_second"],
          "sum",
        ),
      };
    case "tcp": {
      const states = ["established", "time_wait", "listen", "close_wait", "syn_recv", "fin_wait2"];
      const known = sample?.sections.tcp?.states != null;
      const series = states.map((state, index) =>
        one(state.replace("_", " "), `tcp.states.${state}`, COLOURS[index] ?? "s1"),
      );
      const cheap = [
        one("established", "tcp.current_established", "s1"),
        one("time wait", "tcp.time_wait", "s2"),
      ];
      return {
        ...tcp,
        unit: "connections by state",
        format: (value) => fixed(value, 0),
        series: known ? series : cheap,
      };
    }
    case "retransmits":
      return {
        ...tcp,
        unit: "segments sent again, /s",
        format: perSecond,
        series: [one("retransmits", "tcp.retransmits_per_second", "s3")],
      };
    default:
      return {
        ...bytes,
        series: [
          one("received", "network.total_rx_bytes_per_second", "s1"),
          one("sent", "network.total_tx_bytes_per_second", "s2"),
        ],
      };
  }
}

function disk(sample: Sample | null, facet: string | undefined, slice: Slice | null): Picture {
  const names = rowNames(sample?.sections.disks);
  const lines = { name: "Disk", kind: "lines" } as const;
  switch (facet) {
    case "busy":
      return {
        ...lines,
        unit: "% of time busy",
        full: 100,
        format: percentText,
        ...perRow(slice, "disks", names, ["util_percent"]),
      };
    case "operations":
      return {
        ...lines,
        unit: "operations /s",
        floor: 10,
        format: perSecond,
        ...perRow(slice, "disks", names, ["reads_per_second", "writes_per_second"], "sum"),
      };
    case "wait":
      return {
        ...lines,
        unit: "ms per request",
        floor: 1,
        format: (value) => (value === null ? UNKNOWN : `${fixed(value, 1)} ms`),
        ...perRow(slice, "disks", names, ["read_await_ms", "write_await_ms"], "max"),
      };
    case "queue":
      return {
        ...lines,
        unit: "requests waiting",
        floor: 1,
        format: (value) => fixed(value, 2),
        ...perRow(slice, "disks", names, ["queue_depth"]),
      };
    default:
      return {
        ...lines,
        unit: "/s",
        bytes: true,
        format: byteRateText,
        series: [
          one("read", "disk.total_read_bytes_per_second", "s1"),
          one("written", "disk.total_write_bytes_per_second", "s2"),
        ],
      };
  }
}

function heat(sample: Sample | null, slice: Slice | null): Picture {
  const names = rowNames(sample?.sections.temperatures);
  return {
    name: "Temperature",
    unit: "°C",
    kind: "steps",
    floor: 40,
    format: (value) => (value === null ? UNKNOWN : `${fixed(value, 0)} °C`),
    ...perRow(slice, "temperatures", names, ["celsius"]),
  };
}

function perSecond(value: number | null): string {
  return value === null ? UNKNOWN : `${value < 9.95 ? fixed(value, 1) : count(value)} /s`;
}
