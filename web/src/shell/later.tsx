/** A part of the page whose code is loaded when it is first shown, so that the page itself is loaded sooner. */
import { createElement, type ReactNode } from "react";

import { usePart, type Load } from "../parts/loaded";
import { usePage } from "../store/use-telemetry";
import type { PageActions } from "./keys";
import "./later.css";

/** What a dialog of the page of a host gets. */
export interface DialogProps {
  readonly close: () => void;
  readonly actions: PageActions;
}

interface LaterProps<P> {
  /** Keep it the same function. */
  readonly load: Load<P>;
  readonly props: P;
  /** Gives it up after it could not be loaded. Null if the page has nothing else to show. */
  readonly close: (() => void) | null;
  /** In its place until it is loaded, and after it could not be loaded. */
  readonly meanwhile?: (failed: boolean) => ReactNode;
}

export function Later<P extends object>({ load, props, close, meanwhile }: LaterProps<P>) {
  const { reload } = usePage();
  const Part = usePart(load);
  const failed = Part instanceof Error;
  if (Part !== null && !failed) return createElement(Part, props);
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
