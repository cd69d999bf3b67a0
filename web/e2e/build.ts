/** Builds the page if a source has changed, because the servers of the tests serve the built one. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

export default function setup(): void {
  const python = process.env["TELEMETRY_STREAM_PYTHON"] ?? join(root, ".venv/bin/python");
  // As it is shipped: Vitest sets NODE_ENV, with which the page would have React's development version.
  const env = { ...process.env, NODE_ENV: "production" };
  execFileSync(python, [join(root, "scripts/build_web.py")], { stdio: "inherit", env });
}
