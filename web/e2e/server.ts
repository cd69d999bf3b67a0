/** The real program as a process of the test. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "../..");
const python = process.env["TELEMETRY_STREAM_PYTHON"] ?? join(root, ".venv/bin/python");
const START_MS = 40_000;

/**
 * Return a free port that a server gets again after a restart. While the server is down, another program could get a port
 * that the system chose; it chooses none of these (scripts/ports.py).
 */
export async function lastingPort(): Promise<string> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer().listen(port, "127.0.0.1");
    const isFree = await once(probe, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, "close");
    return String(port);
  }
}

export class Server {
  readonly #process: ChildProcess;
  readonly url: string;

  private constructor(started: ChildProcess, url: string) {
    this.#process = started;
    this.url = url;
  }

  static async start(...options: string[]): Promise<Server> {
    const port = options.includes("--port") ? [] : ["--port", "0"];
    const args = ["-m", "telemetry_stream", ...port, ...options];
    const started = spawn(python, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const url = await addressOf(started, args);
    return new Server(started, url);
  }

  get port(): string {
    return new URL(this.url).port;
  }

  async json<T>(path: string): Promise<T> {
    const answer = await fetch(new URL(path, this.url));
    return (await answer.json()) as T;
  }

  /** With SIGSTOP: the server is silent, but the connections stay open. */
  suspend(): void {
    this.#process.kill("SIGSTOP");
  }

  resume(): void {
    this.#process.kill("SIGCONT");
  }

  /** With SIGHUP: the server reads tokens and certificate again. */
  reload(): void {
    this.#process.kill("SIGHUP");
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGCONT");
    this.#process.kill(signal);
    await exit;
  }
}

/** The program prints its address when it listens. If it fails, the error has everything that it printed. */
async function addressOf(started: ChildProcess, args: readonly string[]): Promise<string> {
  const printed: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      reject(new Error(`${python} ${args.join(" ")}: ${reason}\n${printed.join("\n")}`));
    };
    const timer = setTimeout(() => {
      started.kill("SIGKILL");
      fail("printed no address in time");
    }, START_MS);
    for (const output of [started.stdout, started.stderr]) {
      if (output === null) continue;
      createInterface(output).on("line", (line) => {
        printed.push(line);
        const address = /https?:\/\/\S+/.exec(line);
        if (address === null) return;
        clearTimeout(timer);
        resolve(address[0]);
      });
    }
    started.on("error", (error) => {
      fail(error.message);
    });
    started.on("exit", (code) => {
      clearTimeout(timer);
      fail(`exited with ${code}`);
    });
  });
}
