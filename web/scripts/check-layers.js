/**
 * Imports point one way: a file may import from its own layer and from the layers below it.
 * Also: only use-telemetry.ts and the layers that draw know React, and only charts/chart.tsx owns a uPlot.
 */
import { readFileSync, readdirSync } from "node:fs";
import { posix } from "node:path";

const BELOW = {
  protocol: [],
  format: [],
  stream: ["protocol", "format"],
  store: ["protocol", "format"],
  charts: ["protocol", "format", "stream", "store"],
  panels: ["protocol", "format", "stream", "store", "charts"],
  shell: ["protocol", "format", "stream", "store", "charts", "panels"],
  app: ["protocol", "format", "stream", "store", "charts", "panels", "shell"],
};
const KNOWS_REACT = ["charts", "panels", "shell", "app"];
const MAX_LINES = 300;

const root = new URL("../src/", import.meta.url);
const faults = [];
for (const name of readdirSync(root, { recursive: true }).map((path) =>
  path.replaceAll("\\", "/"),
)) {
  if (!/\.tsx?$/.test(name)) continue;
  const text = readFileSync(new URL(name, root), "utf8");
  const layer = name.split("/")[0];
  const lines = text.split("\n").length;
  if (lines > MAX_LINES) faults.push(`${name}: ${lines} lines, more than ${MAX_LINES}`);
  if (!(layer in BELOW)) faults.push(`${name}: not in a layer`);
  for (const [, from] of text.matchAll(/(?:from|import)\s+"([^"]+)"/g)) {
    if (from.startsWith(".")) {
      const target = posix.normalize(posix.join(posix.dirname(name), from)).split("/")[0];
      if (target !== layer && !BELOW[layer]?.includes(target))
        faults.push(`${name} imports ${target}`);
    } else if (/^react/.test(from)) {
      if (!KNOWS_REACT.includes(layer) && name !== "store/use-telemetry.ts")
        faults.push(`${name} imports ${from}`);
    } else if (
      from === "uplot" &&
      name !== "charts/chart.tsx" &&
      !text.includes(`import type uPlot from "uplot"`)
    ) {
      faults.push(`${name} imports uplot`);
    }
  }
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
