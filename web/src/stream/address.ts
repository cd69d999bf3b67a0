/** The address of the stream: beside the page, also behind a reverse proxy that puts both under a prefix. */
export interface StreamChoice {
  /** The id of a host of a front end; null: the host on which the server runs. */
  readonly host?: string | null;
  /** The overview of all hosts. */
  readonly hosts?: "*";
  readonly sections?: readonly string[];
  readonly every?: number;
}

export function streamAddress(pageAddress: string, choice: StreamChoice): string {
  const address = new URL("ws", pageAddress);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  const query = new URLSearchParams();
  if (choice.host != null) query.set("host", choice.host);
  if (choice.hosts !== undefined) query.set("hosts", choice.hosts);
  if (choice.every !== undefined && choice.every > 1) query.set("every", String(choice.every));
  if (choice.sections !== undefined) query.set("sections", choice.sections.join(","));
  address.search = query.toString();
  return address.href;
}
