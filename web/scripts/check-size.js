/** Fails when all JavaScript of the built page together is larger than its budget, gzipped. */
import { readFileSync, readdirSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_KIB = 120;
const folder = new URL("../../telemetry_stream/static/assets/", import.meta.url);

const sizes = readdirSync(folder)
  .filter((name) => name.endsWith(".js"))
  .map((name) => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length);
const total = sizes.reduce((sum, size) => sum + size, 0) / 1024;

console.log(`JavaScript: ${total.toFixed(1)} KiB gzip of ${BUDGET_KIB}`);
if (total > BUDGET_KIB) process.exit(1);
