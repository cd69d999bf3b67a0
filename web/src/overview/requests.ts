/** What the overview requests over HTTP. An answer that cannot be read now is null: the next one may be. */
import { requestText, type Browser } from "../stream/refusal";
import { decodeHosts, decodeSparklines, type HostsReport, type Series } from "./frames";

type Fetch = Pick<Browser, "fetch">;

export async function maybeHosts(
  address: string,
  browser: Fetch,
  signal: AbortSignal,
): Promise<HostsReport | null> {
  return maybeAnswer(new URL("api/v1/hosts", address), browser, signal, decodeHosts);
}

/** By the id of their host. */
export async function maybeSparklines(
  address: string,
  browser: Fetch,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Series> | null> {
  const target = new URL("api/v1/sparklines", address);
  target.search = new URLSearchParams({ hosts: ids.join(",") }).toString();
  return maybeAnswer(target, browser, signal, decodeSparklines);
}

async function maybeAnswer<T>(
  target: URL,
  browser: Fetch,
  signal: AbortSignal,
  decode: (body: string) => T,
): Promise<T | null> {
  try {
    return decode(await requestText(target.href, browser, signal));
  } catch {
    return null; // not reachable, ended, cut off, or of another shape
  }
}
