/**
 * Reloads a page on a wall after a part of it could not be loaded, because nobody can press "Reload" there. It waits longer
 * each time, also after a reload, and until the server has the page: else, the wall would show an error of the browser.
 */
import { failedParts } from "../parts/loaded";
import { maybeRemembered, remember } from "../shell/remember";
import type { Store } from "../store/create-store";
import type { View } from "../store/view";
import type { Browser } from "../stream/refusal";

const FIRST_MS = 30_000;
const LONGEST_MS = 3_600_000;
const ANSWER_MS = 10_000;
/** The number of waits so far, and when the last one began. */
const KEY = "telemetry-stream-reloads";

/** Begin, and return the function that ends it. */
export function reloadIncomplete(
  view: Store<View>,
  address: string,
  browser: Pick<Browser, "fetch" | "reload">,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const isNeeded = (): boolean => !isOver && view.get().kiosk && failedParts.get() > 0;
  const check = async (): Promise<void> => {
    const ended = timer;
    const signal = AbortSignal.timeout(ANSWER_MS);
    const options: RequestInit = { method: "HEAD", signal, cache: "no-store", redirect: "manual" };
    const isServed = await browser.fetch(address, options).then(
      ({ ok }) => ok,
      () => false,
    );
    if (timer === ended) timer = undefined; // else another wait began meanwhile
    if (isServed && isNeeded()) browser.reload();
    else change();
  };
  const change = (): void => {
    if (isNeeded()) timer ??= setTimeout(() => void check(), nextWaitMs());
    else {
      clearTimeout(timer);
      timer = undefined;
    }
  };
  change();
  const undo = [view.subscribe(change), failedParts.subscribe(change)];
  return () => {
    isOver = true;
    for (const leave of undo) leave();
    change();
  };
}

/** Return the next wait: twice the one before, unless that was long ago. */
function nextWaitMs(): number {
  const [count = 0, atMs = 0] = (maybeRemembered(KEY) ?? "").split(" ").map(Number);
  const nowMs = Date.now();
  const waits = Math.abs(nowMs - atMs) < 2 * LONGEST_MS ? count : 0;
  remember(KEY, `${waits + 1} ${nowMs}`);
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** waits);
}
