/** The help of the overview. */
import { FindButton } from "../shell/find-button";
import { Help } from "../shell/help";
import { usePage, useStore } from "../store/use-telemetry";
import { COLUMNS } from "./frames";
import { HOST_KEYS, KEYS } from "./keys";
import type { OverviewDialogProps } from "./palette";

export function OverviewHelp({ close, actions }: OverviewDialogProps) {
  const version = useStore(usePage().firstVersion, (now) => now) ?? undefined;
  return (
    <Help
      close={close}
      keys={[...HOST_KEYS, ...KEYS]}
      names={COLUMNS.map((column) => `vitals.${column}`)}
      version={version}
      aside={<FindButton showCommands={actions.toggleCommands} />}
    />
  );
}
