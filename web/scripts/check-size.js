/**
 * Builds the page, and fails when the JavaScript that it loads first is larger than its budget, compressed with gzip. Files
 * that are loaded when they are needed do not count. The page is built into a directory of its own, because a running
 * program, such as that of a test beside this check, serves the other one.
 */
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

/** On 1 Mbit/s, the page has loaded after one second. Help, palette, images and explanations are loaded later. */
const BUDGET_KIB = 130;
const page = new URL("../test-results/page/", import.meta.url);

await build({
  root: fileURLToPath(new URL("..", import.meta.url)),
  logLevel: "warn",
  build: { outDir: fileURLToPath(page) },
});
const html = readFileSync(new URL("index.html", page), "utf8");
const names = readdirSync(new URL("assets/", page)).filter((name) => name.endsWith(".js"));

function kibOf(chosen) {
  const sizes = chosen.map(
    (name) => gzipSync(readFileSync(new URL(`assets/${name}`, page)), { level: 9 }).length,
  );
  return sizes.reduce((sum, size) => sum + size, 0) / 1024;
}

// Vite names in index.html the entry, and what the entry imports statically.
const first = names.filter((name) => html.includes(name));
const firstKib = kibOf(first);
const laterKib = kibOf(names.filter((name) => !first.includes(name)));

console.log(
  `JavaScript: ${firstKib.toFixed(1)} KiB gzip of ${BUDGET_KIB} at first, ${laterKib.toFixed(1)} KiB later`,
);
if (first.length === 0 || firstKib > BUDGET_KIB) process.exit(1);
