/**
 * Builds the page, and fails when what a browser loads first is larger than its budget: HTML, style sheets and scripts,
 * compressed with gzip as the server sends them. This is for the page of a host and for that of a front end. Files that are
 * loaded when they are needed do not count. The page is built into a directory of its own, because a running program,
 * such as that of a test beside this check, serves the other one.
 */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

/**
 * On 1 Mbit/s, the page has loaded after little more than a second. The rows of tables and the panels are loaded once it is
 * drawn, help, palette, images and explanations when they are needed, and the dashboard of a front end when a host is
 * opened or the browser has nothing else to do. Nearly half of the page of a host is react-dom, and a sixth is uPlot.
 */
const BUDGETS_KIB = { "index.html": 130, "front-end.html": 120 };
const page = new URL("../test-results/page/", import.meta.url);

await build({
  root: fileURLToPath(new URL("..", import.meta.url)),
  logLevel: "warn",
  build: { outDir: fileURLToPath(page) },
});
const files = readdirSync(new URL("assets/", page))
  .filter((name) => /\.(js|css)$/.test(name))
  .map((name) => `assets/${name}`);

function kibOf(paths) {
  const sizes = paths.map(
    (path) => gzipSync(readFileSync(new URL(path, page)), { level: 9 }).length,
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1024;
}

for (const [name, budget] of Object.entries(BUDGETS_KIB)) {
  // Vite names in the page the entry, what the entry imports statically, and their style sheets.
  const html = readFileSync(new URL(name, page), "utf8");
  const first = files.filter((path) => html.includes(path));
  const firstKib = kibOf([name, ...first]);
  const scriptsKib = kibOf(first.filter((path) => path.endsWith(".js")));
  const laterKib = kibOf(files.filter((path) => !first.includes(path)));
  console.log(
    `${name}: ${firstKib.toFixed(1)} KiB gzip of ${budget} at first, ${scriptsKib.toFixed(1)} of them JavaScript; ${laterKib.toFixed(1)} KiB later`,
  );
  if (first.length === 0 || firstKib > budget) process.exitCode = 1;
}
