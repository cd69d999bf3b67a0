/** A TCP proxy in front of a server: a slow line, which can also be cut. What the browser sends is not limited. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

const TURN_MS = 20;
/** More than this waits in the sockets, as it does in front of a real line. */
const WAITING_BYTES = 16 * 1024;
/** A packet: connections take turns with it. */
const PACKET_BYTES = 1400;

interface Flow {
  readonly browser: Socket;
  readonly server: Socket;
  waiting: Buffer;
}

export class SlowLine {
  readonly #listener: Server;
  readonly #flows = new Set<Flow>();
  readonly #timer: NodeJS.Timeout;
  #budget = 0;
  #turnAt = performance.now();
  #isCut = false;
  /** From the server to the browser, all connections together. */
  bytesPerSecond: number;
  port: number;

  private constructor(port: number, bytesPerSecond: number) {
    this.port = port;
    this.bytesPerSecond = bytesPerSecond;
    this.#listener = createServer((browser) => {
      if (this.#isCut) browser.destroy();
      else this.#join(browser);
    });
    this.#timer = setInterval(() => {
      this.#send();
    }, TURN_MS);
  }

  static async start(port: number, bytesPerSecond: number): Promise<SlowLine> {
    const line = new SlowLine(port, bytesPerSecond);
    line.#listener.listen(0, "127.0.0.1");
    await once(line.#listener, "listening");
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}/`;
  }

  /** End all connections, and accept none until `repair`. */
  cut(): void {
    this.#isCut = true;
    for (const { browser } of this.#flows) browser.destroy();
  }

  repair(): void {
    this.#isCut = false;
  }

  close(): void {
    clearInterval(this.#timer);
    this.cut();
    this.#listener.close();
  }

  #join(browser: Socket): void {
    const server = connect(this.port, "127.0.0.1");
    const flow: Flow = { browser, server, waiting: Buffer.alloc(0) };
    this.#flows.add(flow);
    browser.pipe(server);
    server.on("data", (data: Buffer) => {
      flow.waiting = Buffer.concat([flow.waiting, data]);
      if (flow.waiting.length > WAITING_BYTES) server.pause();
    });
    const end = (): void => {
      this.#flows.delete(flow);
      browser.destroy();
      server.destroy();
    };
    browser.on("close", end).on("error", end);
    server.on("error", end).on("close", () => {
      if (flow.waiting.length === 0) end();
    });
  }

  #send(): void {
    const now = performance.now();
    this.#budget += ((now - this.#turnAt) / 1000) * this.bytesPerSecond;
    this.#turnAt = now;
    while (this.#budget > 0) {
      const flow = [...this.#flows].find(({ waiting }) => waiting.length > 0);
      if (flow === undefined) {
        this.#budget = 0; // an idle line saves nothing up
        return;
      }
      const packet = flow.waiting.subarray(0, PACKET_BYTES);
      flow.waiting = flow.waiting.subarray(packet.length);
      this.#budget -= packet.length;
      flow.browser.write(packet);
      this.#flows.delete(flow); // the others come first
      this.#flows.add(flow);
      if (flow.waiting.length < WAITING_BYTES) flow.server.resume();
      if (flow.waiting.length === 0 && flow.server.closed) flow.browser.destroy();
    }
  }
}
