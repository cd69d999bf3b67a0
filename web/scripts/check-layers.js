/**
 * Checks the structure of src.
 *
 * - Imports point one way: a file imports from its own layer and from the layers below it.
 * - A section imports no other section. Only sections/index.ts and sections/help.ts know the sections; the other files use those.
 * - Each section has an index.ts and one test file.
 * - Only the layers that draw and store/use-telemetry.ts import React, and only two files of charts
 *   import uPlot's code.
 * - The explanations are loaded when they are needed, so no file imports them statically.
 * - Only the first code of a front end imports the overview. The other files of app use its types.
 * - A style sheet is beside the file that imports it, and all its rules are in a layer.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { posix } from "node:path";

/** From the lowest layer to the highest, with the layers that each one may import. */
const BELOW = {
  protocol: [],
  format: [],
  stream: ["protocol", "format"],
  store: ["protocol", "format"],
  charts: ["protocol", "format", "store"],
  parts: ["protocol", "format", "store", "charts"],
  sections: ["protocol", "format", "store", "charts", "parts"],
  shell: ["protocol", "format", "store", "charts", "parts", "sections"],
  overview: ["protocol", "format", "stream", "store", "charts", "parts", "sections", "shell"],
  app: [
    "protocol",
    "format",
    "stream",
    "store",
    "charts",
    "parts",
    "sections",
    "shell",
    "overview",
  ],
};
const DRAWING = ["charts", "parts", "sections", "shell", "overview", "app"];
const PLOTTING = ["charts/chart.tsx", "charts/png.ts"];
/** Generated, so their length has no limit. */
const GENERATED = ["protocol/sections.ts", "protocol/explanations.ts"];
const MAX_LINES = 300;
/** A static import or export, with `type` where it is one of types only. A dynamic import has a parenthesis. */
const IMPORT = /(?:import|export)\s+(?:(type\s)?[^"';]*?from\s+)?"([^"]+)"/g;

const source = new URL("../src/", import.meta.url);
const tests = new URL("../tests/sections/", import.meta.url);
const faults = [];

const paths = readdirSync(source, { recursive: true }).map((path) => path.replaceAll("\\", "/"));
const files = paths.filter((path) => /\.tsx?$/.test(path));
const styleSheets = paths.filter((path) => path.endsWith(".css"));

/** The path of an imported file, from src; null for a package. */
function targetOf(name, imported) {
  if (!imported.startsWith(".")) return null;
  const path = posix.normalize(posix.join(posix.dirname(name), imported));
  return [path, `${path}.ts`, `${path}.tsx`, `${path}/index.ts`].find((candidate) =>
    files.includes(candidate),
  );
}

function layerOf(name) {
  return name.split("/")[0];
}

/** The name of the section that a file belongs to; null for a file outside of the sections. */
function sectionOf(name) {
  return /^sections\/([^/]+)\//.exec(name)?.[1] ?? null;
}

function checkImport(name, imported, onlyTypes) {
  if (imported.endsWith(".css")) {
    checkStyleSheet(name, imported);
    return;
  }
  if (/\.svg(\?inline)?$/.test(imported)) {
    const path = posix.join(posix.dirname(name), imported.replace("?inline", ""));
    if (!paths.includes(path)) faults.push(`${name} imports ${imported}, which does not exist`);
    return;
  }
  const target = targetOf(name, imported);
  if (target === undefined) {
    faults.push(`${name} imports ${imported}, which does not exist`);
  } else if (target === null) {
    checkPackage(name, imported);
  } else {
    const layer = layerOf(name);
    const below = layerOf(target);
    if (below !== layer && !BELOW[layer]?.includes(below)) faults.push(`${name} imports ${target}`);
    const section = sectionOf(target);
    if (section !== null && section !== sectionOf(name)) {
      faults.push(`${name} imports the section ${section}`);
    }
    if (sectionOf(name) !== null && target === "sections/index.ts") {
      faults.push(`${name} imports the list of sections`);
    }
    if (below === "overview" && layer === "app" && name !== "app/front-end.tsx" && !onlyTypes) {
      faults.push(`${name} imports the overview statically`);
    }
    if (target === "protocol/explanations.ts" && !onlyTypes) {
      faults.push(`${name} imports the explanations statically`);
    }
  }
}

function checkStyleSheet(name, imported) {
  const atRoot =
    ["app/main.tsx", "app/front-end.tsx"].includes(name) && imported === "./styles/index.css";
  if (!atRoot && !/^\.\/[^/]+\.css$/.test(imported))
    faults.push(`${name} imports ${imported}, which is not beside it`);
}

function checkPackage(name, imported) {
  const text = readFileSync(new URL(name, source), "utf8");
  if (/^react/.test(imported)) {
    if (!DRAWING.includes(layerOf(name)) && name !== "store/use-telemetry.ts")
      faults.push(`${name} imports ${imported}`);
  } else if (
    imported === "uplot" &&
    !PLOTTING.includes(name) &&
    !text.includes(`import type uPlot from "uplot"`)
  ) {
    faults.push(`${name} imports uplot`);
  }
}

for (const name of files) {
  const text = readFileSync(new URL(name, source), "utf8");
  const lines = text.split("\n").length;
  if (lines > MAX_LINES && !GENERATED.includes(name))
    faults.push(`${name} has ${lines} lines, more than ${MAX_LINES}`);
  if (!(layerOf(name) in BELOW)) faults.push(`${name} is not in a layer`);
  for (const [, types, imported] of text.matchAll(IMPORT)) {
    checkImport(name, imported, types !== undefined);
  }
}

// styles/index.css imports the files beside it into layers.
for (const name of styleSheets.filter((path) => !path.startsWith("app/styles/"))) {
  const text = readFileSync(new URL(name, source), "utf8");
  const outside = text
    .replaceAll(/\/\*.*?\*\//gs, "")
    .replaceAll(/^@import .*layer\(\w+\);$/gm, "")
    .replaceAll(/^@layer \w+ \{$.*?^\}$/gms, "");
  if (outside.trim() !== "") faults.push(`${name} has rules outside of a layer`);
}

for (const section of new Set(files.map(sectionOf).filter((name) => name !== null))) {
  if (!files.includes(`sections/${section}/index.ts`))
    faults.push(`sections/${section} has no index.ts`);
  const test = ["ts", "tsx"].some((ending) =>
    existsSync(new URL(`${section}.test.${ending}`, tests)),
  );
  if (!test) faults.push(`sections/${section} has no test in tests/sections`);
}

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
