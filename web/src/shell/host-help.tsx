/** The help of the page of a host. */
import { usePage, useTelemetry } from "../store/use-telemetry";
import { LISTED } from "./explanations";
import { FindButton } from "./find-button";
import { Help } from "./help";
import { keysOf } from "./keys";
import type { DialogProps } from "./later";

const DRAG = { shown: "drag", does: "zoom all charts; a double click returns to live" };

export function HostHelp({ close, actions }: DialogProps) {
  const page = usePage();
  const version = useTelemetry(({ hello }) => hello?.version);
  return (
    <Help
      close={close}
      keys={[...keysOf(page), DRAG]}
      names={LISTED}
      version={version}
      aside={<FindButton showCommands={actions.toggleCommands} />}
    />
  );
}
