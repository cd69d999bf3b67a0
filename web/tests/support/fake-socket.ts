/** A WebSocket whose server is the test. */
export class FakeSocket extends EventTarget {
  static all: FakeSocket[] = [];

  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (socket === undefined) throw new Error("no socket was made");
    return socket;
  }

  readonly url: string;
  binaryType = "blob";
  readyState = 0;

  constructor(url: string) {
    super();
    this.url = url;
    FakeSocket.all.push(this);
  }

  get query(): URLSearchParams {
    return new URL(this.url).searchParams;
  }

  open(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  receive(text: string): void {
    this.dispatchEvent(new MessageEvent("message", { data: text }));
  }

  /** Ends with the server's close code. 1006: an interrupted connection, which also has an error event. */
  end(code: number, reason = ""): void {
    this.readyState = 3;
    if (code === 1006) this.dispatchEvent(new Event("error"));
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }

  close(): void {
    this.readyState = 3;
  }
}
