/**
 * Prints the mock host for scripts/invented_host.py: node tests/support/mock-samples.js [twist,…]
 * The host, ten minutes of samples, an empty line, and then a sample each second.
 */
import { containersOf } from "./mock-containers.js";
import { HOST, sampleOf } from "./mock-host.js";
import { processesOf } from "./mock-processes.js";

const PAST_SECONDS = 600;
const twists = (process.argv[2] ?? "").split(",");
const start = Math.floor(Date.now() / 1000) - PAST_SECONDS;
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const at = (t) => sampleOf(t, t, { twists, start });

process.stdout.on("error", () => process.exit()); // the reader has ended
print({ ...HOST, os: null, cores: at(1).cpu.online_count });
let t = 1;
for (; t <= PAST_SECONDS; t += 1) print(at(t));
process.stdout.write("\n");
setInterval(() => {
  print({ ...at(t), processes: processesOf(t), containers: containersOf(t) });
  t += 1;
}, 1000);
