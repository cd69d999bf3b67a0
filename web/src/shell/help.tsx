/** The help: every key, the explanation of every name, and the time zone. */
import { useEffect, useState, type ReactNode } from "react";

import type { Explanation } from "../protocol/explanations";
import { usePage, useView } from "../store/use-telemetry";
import { Dialog } from "./dialog";
import { loadExplanations } from "./explanations";
import type { Key } from "./keys";
import { rememberCharacterKeys } from "./remember";
import "./help.css";

export interface HelpProps {
  readonly close: () => void;
  readonly keys: readonly ListedKey[];
  /** The names that it explains, by the keys of their explanations. */
  readonly names: readonly string[];
  readonly version: string | undefined;
  /** At the left of the button that closes it. */
  readonly aside?: ReactNode;
}

type ListedKey = Pick<Key, "shown" | "does">;

export function Help({ close, keys, names, version, aside }: HelpProps) {
  return (
    <Dialog title="Help" testId="help" close={close} aside={aside}>
      <div className="help-body">
        <Keys keys={keys} version={version} />
        <Explanations names={names} />
      </div>
    </Dialog>
  );
}

function Keys({ keys, version }: Pick<HelpProps, "keys" | "version">) {
  const { actions } = usePage();
  const characterKeys = useView((view) => view.characterKeys);
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
        {keys.map(({ shown, does }) => (
          <div key={shown}>
            <dt>
              <kbd>{shown}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <p className="faint">
        Times are in your browser’s time zone, {Intl.DateTimeFormat().resolvedOptions().timeZone},
        and follow the host’s clock. Hatching marks values that are not known. telemetry_stream{" "}
        {version}
      </p>
    </section>
  );
}

function Explanations({ names }: Pick<HelpProps, "names">) {
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
        {names.flatMap((key) => {
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
