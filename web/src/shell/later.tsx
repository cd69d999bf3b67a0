/** A part of the page whose code is loaded when it is first shown, so that the page itself is loaded sooner. */
import { useEffect, useState, type ComponentType } from "react";

import type { PageActions } from "./keys";
import "./later.css";

export interface LaterProps {
  readonly close: () => void;
  readonly actions: PageActions;
}

export type Load = () => Promise<ComponentType<LaterProps>>;

/** Keep `load` the same function: another one is loaded again. */
export function Later({ load, ...props }: LaterProps & { readonly load: Load }) {
  const [Part, setPart] = useState<ComponentType<LaterProps> | null>(null);
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
        <button type="button" onClick={props.close}>
          Close
        </button>
      </p>
    );
  }
  return Part === null ? null : <Part {...props} />;
}
