/** The table of GPUs: use over time and now, memory, temperature and power. A drawer has the rest and the processes. */
import { Spark } from "../../charts/spark";
import { bytesShort, bytesText, fixed, percentText, UNKNOWN } from "../../format/numbers";
import { DeviceTable, type DeviceRow } from "../../parts/device-table";
import type { Picture } from "../../store/display";
import { levelAbout, type Level } from "../../store/alerts";
import { usePicture, useShown } from "../../store/use-telemetry";
import type { Gpu, GpuProcess } from "../../protocol/sections";
import "./gpus.css";

const SHOWN_PROCESSES = 8;

export function GpusPanel() {
  const picture = usePicture((now) => now);
  const alerts = useShown((state) => state.alerts);
  return (
    <DeviceTable
      title="GPUs"
      explain="gpus"
      section="gpus"
      className="gpus"
      columns={[
        { name: "trend", width: "trend" },
        { name: "use", width: "number", explain: "gpus[].usage_percent" },
        { name: "memory", width: "number", explain: "gpus[].memory_used_bytes" },
        { name: "temp", width: "number", explain: "gpus[].celsius" },
        { name: "power", width: "number", explain: "gpus[].watts" },
      ]}
      rows={picture.sample?.sections.gpus?.map((gpu) =>
        rowOf(gpu, picture, levelAbout(alerts, "gpus", { gpu: gpu.id })),
      )}
      empty="no GPUs"
    />
  );
}

function rowOf(gpu: Gpu, picture: Picture, level: Level | undefined): DeviceRow {
  const { id, state, usage_percent, memory_used_bytes, celsius, watts } = gpu;
  const rest =
    state === "active"
      ? [
          { text: percentText(usage_percent) },
          { text: bytesShort(memory_used_bytes) },
          { text: unit(celsius, "°C") },
          { text: unit(watts, "W") },
        ]
      : [{ text: state ?? UNKNOWN, faint: true }, { text: "" }, { text: "" }, { text: "" }];
  const trend = (
    <Spark
      picture={picture}
      values={picture.slice.column(`gpus.${id}.usage_percent`)}
      minSpan={100}
    />
  );
  return {
    id,
    name: gpu.name ?? id,
    level,
    faint: state !== "active",
    cells: [{ text: trend }, ...rest],
    facts: factsOf(gpu),
  };
}

function factsOf(gpu: Gpu): DeviceRow["facts"] {
  const facts: [string, string | null][] = [
    ["address", gpu.id],
    ["driver", gpu.driver],
    ["memory", sizeText(gpu)],
    ["memory controller", maybePercent(gpu.memory_busy_percent)],
    ["clock", maybeUnit(gpu.clock_mhz, "MHz")],
    ["memory clock", maybeUnit(gpu.memory_clock_mhz, "MHz")],
    ["power limit", maybeUnit(gpu.limit_watts, "W")],
    ["slows down at", maybeUnit(gpu.slowdown_celsius, "°C")],
    ["fan", maybePercent(gpu.fan_percent)],
    ["encoder", maybePercent(gpu.encoder_percent)],
    ["decoder", maybePercent(gpu.decoder_percent)],
    ["throttled", throttledText(gpu)],
  ];
  const processes = (gpu.processes ?? []).slice(0, SHOWN_PROCESSES);
  return [
    ...facts.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
    ...processes.map((one) => [`${one.name ?? UNKNOWN} ${one.pid}`, processText(one)] as const),
  ];
}

function sizeText({ memory_used_bytes, memory_total_bytes }: Gpu): string | null {
  if (memory_total_bytes === null) return null;
  return `${bytesText(memory_used_bytes)} of ${bytesText(memory_total_bytes)}`;
}

function throttledText({ is_throttled, throttle_reasons }: Gpu): string | null {
  if (is_throttled === null) return null;
  return is_throttled ? throttle_reasons || "yes" : "no";
}

function processText({ memory_bytes, usage_percent }: GpuProcess): string {
  return `${bytesText(memory_bytes)} · ${percentText(usage_percent)}`;
}

function unit(value: number | null, name: string): string {
  return maybeUnit(value, name) ?? UNKNOWN;
}

function maybeUnit(value: number | null, name: string): string | null {
  return value === null ? null : `${fixed(value, 0)} ${name}`;
}

function maybePercent(value: number | null): string | null {
  return value === null ? null : percentText(value);
}
