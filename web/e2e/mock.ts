/** The mock server as a process of the test: for hardware that this host does not have, and ends on demand. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export class Mock {
  readonly #process: ChildProcess;
  readonly url: string;

  private constructor(started: ChildProcess, url: string) {
    this.#process = started;
    this.url = url;
  }

  static async start(...twists: string[]): Promise<Mock> {
    const script = join(import.meta.dirname, "../tests/support/mock-server.js");
    const started = spawn(process.execPath, [script, "0", twists.join(",")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface(started.stdout)) return new Mock(started, line);
    throw new Error("the mock server did not start");
  }

  /**
   * Ends every viewer, and each new one until `acceptViewers`, so that the page stays in this state. Only until it handles
   * the end of a new connection, it takes that for open.
   */
  async endViewers(code: number): Promise<void> {
    await fetch(new URL(`mock/end/${code}`, this.url));
  }

  async acceptViewers(): Promise<void> {
    await fetch(new URL("mock/end/0", this.url));
  }

  /** On a front end: from now on, this host is in this state. */
  async setState(host: string, state: string): Promise<void> {
    await fetch(new URL(`mock/state/${host}/${state}`, this.url));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.kill();
    await exit;
  }
}
