/** A part of the page whose code is loaded when it is first shown, so that the page itself is loaded sooner. */
import { useEffect, useState, type ComponentType, type ReactNode } from "react";

import { usePage } from "../store/use-telemetry";
import type { PageActions } from "./keys";
import "./later.css";

/** What a dialog of the page of a host gets. */
export interface DialogProps {
  readonly close: () => void;
  readonly actions: PageActions;
}

export type Load<P> = () => Promise<ComponentType<P>>;

interface LaterProps<P> {
  /** Keep it the same function: another one is loaded again. */
  readonly load: Load<P>;
  readonly props: P;
  /** Gives it up after it could not be loaded. Null if the page has nothing else to show. */
  readonly close: (() => void) | null;
  /** In its place until it is loaded, and after it could not be loaded. */
  readonly meanwhile?: (failed: boolean) => ReactNode;
}

/** The loaded parts: the next time, they are drawn at once. Without this, the page would be empty for a moment. */
const PARTS = new WeakMap<object, unknown>();

function maybeLoaded<P>(load: Load<P>): ComponentType<P> | null {
  return (PARTS.get(load) as ComponentType<P> | undefined) ?? null;
}

async function loadOnce<P>(load: Load<P>): Promise<ComponentType<P>> {
  const part = maybeLoaded(load) ?? (await load());
  PARTS.set(load, part);
  return part;
}

/** Load a part before it is shown, when the browser has nothing else to do. If this fails, it is loaded when it is shown. */
export function loadWhenIdle<P>(load: Load<P>): void {
  const start = (): void => {
    loadOnce(load).catch(() => undefined);
  };
  // Safari has no idle callbacks.
  if ("requestIdleCallback" in window) requestIdleCallback(start);
  else setTimeout(start, 1000);
}

export function Later<P extends object>({ load, props, close, meanwhile }: LaterProps<P>) {
  const { reload } = usePage();
  const [Part, setPart] = useState(() => maybeLoaded(load));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let isShown = true;
    loadOnce(load).then(
      (loaded) => {
        if (isShown) setPart(() => loaded);
      },
      () => {
        if (isShown) setFailed(true);
      },
    );
    return () => {
      isShown = false;
    };
  }, [load]);
  if (Part !== null) return <Part {...props} />;
  return (
    <>
      {meanwhile?.(failed)}
      {failed && (
        <p className="later" role="alert">
          <span className="warn">▲ This part of the page could not be loaded.</span>{" "}
          {/* After an update, the server has only the files of the new page. */}
          <button type="button" onClick={reload}>
            Reload
          </button>{" "}
          {close !== null && (
            <button type="button" onClick={close}>
              Close
            </button>
          )}
        </p>
      )}
    </>
  );
}
