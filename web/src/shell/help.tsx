/** The help: every key, every number's meaning, and whose clock the times are by. */
import { useEffect, useRef } from "react";

import { MEANINGS } from "../format/meanings";
import { useTelemetry } from "../store/use-telemetry";
import { KEYS } from "./keys";

export function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const version = useTelemetry((state) => state.hello?.version);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={close} data-testid="help">
      <div className="help-head">
        <h2 id="help-title">Help</h2>
        <button type="button" onClick={close}>
          Close<kbd aria-hidden="true">Esc</kbd>
        </button>
      </div>
      <div className="help-body">
        <section aria-label="Keys">
          <dl className="keys">
            {KEYS.map(({ shown, does }) => (
              <div key={shown}>
                <dt>
                  <kbd>{shown}</kbd>
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
            <div>
              <dt>drag</dt>
              <dd>zoom all charts; a double click goes back to live</dd>
            </div>
          </dl>
          <p className="f">
            Times are by your browser’s zone, {Intl.DateTimeFormat().resolvedOptions().timeZone};
            their clock is the host’s. Hatch means: not known. telemetry_stream {version}
          </p>
        </section>
        <section aria-label="Meanings" className="meanings">
          <dl>
            {Object.entries(MEANINGS).map(([id, { name, text, from }]) => (
              <div key={id}>
                <dt>{name}</dt>
                <dd>
                  {text} <span className="f">{from}</span>
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </dialog>
  );
}
