/**
 * Makes the changes of one tick together. A tick arrives as several messages, at least a sample and the processes, and a
 * change that is drawn alone costs a layout and a painting of its own.
 */

/** Long enough for all messages of a tick, and too short to be seen. */
const WAIT_MS = 25;

export interface Changes {
  /** Make this change with the others. While the tab is hidden, nothing is drawn, so the change is made at once. */
  readonly add: (change: () => void) => void;
  /** Leave out the changes that wait. */
  readonly clear: () => void;
}

export function createChanges(): Changes {
  let waiting: (() => void)[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const clear = (): void => {
    clearTimeout(timer);
    timer = undefined;
    waiting = [];
  };
  const flush = (): void => {
    const due = waiting;
    clear();
    for (const change of due) change();
  };
  return {
    add: (change) => {
      if (document.visibilityState === "hidden") {
        flush();
        change();
        return;
      }
      waiting.push(change);
      timer ??= setTimeout(flush, WAIT_MS);
    },
    clear,
  };
}
