/** The help: every key, the explanation of every name, and the time zone. */
import { useEffect, useState } from "react";

import type { Explanation } from "../protocol/explanations";
import { usePage, useTelemetry, useView } from "../store/use-telemetry";
import { Dialog } from "./dialog";
import { LISTED, loadExplanations } from "./explanations";
import { KEYS } from "./keys";
import type { LaterProps } from "./later";
import { rememberCharacterKeys } from "./remember";
import "./help.css";

export function Help({ close, actions }: LaterProps) {
  return (
    <Dialog
      title="Help"
      testId="help"
      close={close}
      aside={
        <button type="button" onClick={actions.toggleCommands}>
          Find<kbd aria-hidden="true">Ctrl K</kbd>
        </button>
      }
    >
      <div className="help-body">
        <Keys />
        <Explanations />
      </div>
    </Dialog>
  );
}

function Keys() {
  const { actions } = usePage();
  const characterKeys = useView((view) => view.characterKeys);
  const version = useTelemetry((state) => state.hello?.version);
  return (
    <section aria-label="Keys">
      <label className="character-keys">
        <input
          type="checkbox"
          checked={characterKeys}
          onChange={({ target }) => {
            actions.setCharacterKeys(target.checked);
            rememberCharacterKeys(target.checked);
          }}
        />
        keys of one character act
      </label>
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
          <dd>zoom all charts; a double click returns to live</dd>
        </div>
      </dl>
      <p className="faint">
        Times are in your browser’s time zone, {Intl.DateTimeFormat().resolvedOptions().timeZone},
        and follow the host’s clock. Hatching marks values that are not known. telemetry_stream{" "}
        {version}
      </p>
    </section>
  );
}

function Explanations() {
  const [explanations, setExplanations] = useState<Readonly<Record<string, Explanation>>>({});
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    loadExplanations().then(setExplanations, () => {
      setFailed(true);
    });
  }, []);
  return (
    <section aria-label="Explanations" className="explanations">
      {failed && <p className="faint">The explanations could not be loaded.</p>}
      <dl>
        {LISTED.flatMap((key) => {
          const explanation = explanations[key];
          if (explanation === undefined) return [];
          const { name, text, from } = explanation;
          return (
            <div key={key}>
              <dt>{name}</dt>
              <dd>
                {text} <span className="faint">{from}</span>
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}
