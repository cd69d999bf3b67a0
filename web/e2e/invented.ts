/** The real server with the mock host and ten minutes of its samples. A sample follows each second. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "../..");
const python = process.env["TELEMETRY_STREAM_PYTHON"] ?? join(root, ".venv/bin/python");

export class Invented {
  readonly url: string;
  readonly #source: ChildProcess;
  readonly #server: ChildProcess;

  private constructor(source: ChildProcess, server: ChildProcess, url: string) {
    this.#source = source;
    this.#server = server;
    this.url = url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  static async start(...twists: string[]): Promise<Invented> {
    const script = join(root, "web/tests/support/mock-samples.js");
    const source = spawn(process.execPath, [script, twists.join(",")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const server = spawn(python, [join(root, "scripts/invented_host.py")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    source.stdout.pipe(server.stdin).on("error", () => undefined); // the server has ended
    for await (const line of createInterface(server.stdout)) {
      return new Invented(source, server, line);
    }
    throw new Error("the server with the mock host did not start");
  }

  async end(): Promise<void> {
    this.#source.kill();
    if (this.#server.exitCode !== null || this.#server.signalCode !== null) return;
    const exit = once(this.#server, "exit");
    this.#server.kill("SIGKILL");
    await exit;
  }
}
