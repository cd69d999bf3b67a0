/** Parts of the page whose code is loaded once the page is drawn, so that the page itself is loaded sooner. */
import { useEffect, useState, type ComponentType, type ReactNode } from "react";

import { createStore } from "../store/create-store";

export type Load<P> = () => Promise<ComponentType<P>>;

/** What was loaded, by its `Load`. The next time it is shown at once; else, its place would be empty for a moment. */
const PARTS = new WeakMap<object, unknown>();
/** Those of `loaded`. */
const LOADS: Load<never>[] = [];

function maybeLoaded<P>(load: Load<P>): ComponentType<P> | null {
  return (PARTS.get(load) as ComponentType<P> | undefined) ?? null;
}

/** Those that were shown and could not be loaded. */
const FAILED = new Set<object>();
/** Their number. */
export const failedParts = createStore(0);

/** Load a part, or return the one that was loaded before. */
export async function loadOnce<P>(load: Load<P>): Promise<ComponentType<P>> {
  const part = maybeLoaded(load) ?? (await load());
  PARTS.set(load, part);
  return part;
}

/** Return the part, an error if it cannot be loaded, or null until then. Keep `load` the same function. */
export function usePart<P>(load: Load<P>): ComponentType<P> | Error | null {
  const [part, setPart] = useState<ComponentType<P> | Error | null>(() => maybeLoaded(load));
  useEffect(() => {
    if (maybeLoaded(load) !== null) return;
    let isShown = true;
    const show = (result: ComponentType<P> | Error): void => {
      if (!isShown) return;
      if (result instanceof Error) FAILED.add(load);
      else FAILED.delete(load);
      failedParts.set(FAILED.size);
      setPart(() => result);
    };
    loadOnce(load).then(show, (error: unknown) => {
      show(error instanceof Error ? error : new Error(String(error)));
    });
    return () => {
      isShown = false;
    };
  }, [load]);
  return part;
}

/**
 * Return a component that loads its code when it is first shown, and shows `before` until then. If the code cannot be
 * loaded, the boundary around it shows the reason and tries again, which `lazy` of React would not do.
 */
export function loaded<P extends object>(
  load: Load<P>,
  before: ReactNode = null,
): ComponentType<P> {
  LOADS.push(load as Load<never>);
  return function Loaded(props: P) {
    const Part = usePart(load);
    if (Part instanceof Error) throw Part;
    return Part === null ? before : <Part {...props} />;
  };
}

/** Load everything that `loaded` was called for, before it is shown. Rejects if a part cannot be loaded. */
export async function loadParts(): Promise<void> {
  await Promise.all(LOADS.map(loadOnce));
}

/** Return such a panel. Its title and its place are there before. */
export function loadedPanel(title: string, load: Load<object>): ComponentType {
  return loaded(
    load,
    <section className="panel before" aria-label={title} data-panel={title} tabIndex={-1}>
      <div className="panel-head">
        <h2>{title}</h2>
      </div>
    </section>,
  );
}
