/** Touch on a chart: one finger sets and moves the cursor, two fingers select a span to zoom to. */
export interface TouchEvents {
  readonly moved: (x: number | null) => void;
  readonly selected: (from: number, to: number) => void;
}

/** Add the listeners, and return the function that removes them. */
export function bindTouch(
  over: HTMLElement,
  toX: (left: number) => number,
  { moved, selected }: TouchEvents,
): () => void {
  const fingers = new Map<number, number>();
  let span: [number, number] | null = null;

  const leftOf = (event: PointerEvent): number => event.clientX - over.getBoundingClientRect().left;
  const touch = (event: PointerEvent): void => {
    if (event.pointerType !== "touch") return;
    if (event.type === "pointermove" && !fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, leftOf(event));
    const [one, two] = fingers.values();
    if (one !== undefined && two !== undefined) span = [Math.min(one, two), Math.max(one, two)];
    else if (one !== undefined) moved(toX(one));
  };
  const lift = (event: PointerEvent): void => {
    if (!fingers.delete(event.pointerId) || span === null) return;
    if (event.type === "pointerup") selected(toX(span[0]), toX(span[1]));
    span = null;
  };
  const bound = [
    ["pointerdown", touch],
    ["pointermove", touch],
    ["pointerup", lift],
    ["pointercancel", lift],
  ] as const;
  for (const [name, listener] of bound) over.addEventListener(name, listener);
  return () => {
    for (const [name, listener] of bound) over.removeEventListener(name, listener);
  };
}
