/** A part of the page whose code is loaded when it is first shown, so that the page itself is loaded sooner. */
import { useEffect, useState, type ComponentType } from "react";

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
  /** Gives it up after it could not be loaded. */
  readonly close: () => void;
}

export function Later<P extends object>({ load, props, close }: LaterProps<P>) {
  const [Part, setPart] = useState<ComponentType<P> | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let isShown = true;
    load().then(
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
  if (failed) {
    return (
      <p className="later" role="alert">
        <span className="warn">▲ This part of the page could not be loaded.</span>{" "}
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    );
  }
  return Part === null ? null : <Part {...props} />;
}
