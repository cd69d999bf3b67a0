/** The address of the stream: beside the page, also behind a reverse proxy that puts both under a prefix. */
export interface StreamChoice {
  readonly sections?: readonly string[];
  readonly every?: number;
  readonly historySeconds?: number;
  /** The newest sample that has arrived, and its run: the server sends the samples after it. */
  readonly since?: { readonly seq: number; readonly stream: string } | null;
}

export function streamAddress(pageAddress: string, choice: StreamChoice): string {
  const address = new URL("ws", pageAddress);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  const query = new URLSearchParams();
  if (choice.every !== undefined && choice.every > 1) query.set("every", String(choice.every));
  if (choice.sections !== undefined) query.set("sections", choice.sections.join(","));
  if (choice.historySeconds !== undefined) query.set("history", String(choice.historySeconds));
  if (choice.since) {
    query.set("since", String(choice.since.seq));
    query.set("stream", choice.since.stream);
  }
  address.search = query.toString();
  return address.href;
}
