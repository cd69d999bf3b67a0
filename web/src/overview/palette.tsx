/** The command palette of the overview: the hosts, and what its keys do. */
import { CommandPalette } from "../shell/command-palette";
import { actionsOf, openingOf } from "../shell/commands";
import { usePage } from "../store/use-telemetry";
import type { RunningOverview } from "./create-overview";
import { KEYS, type OverviewActions } from "./keys";

/** What a dialog of the overview gets. */
export interface OverviewDialogProps {
  readonly overview: RunningOverview;
  readonly actions: OverviewActions;
  readonly close: () => void;
}

export function OverviewPalette({ overview, actions, close }: OverviewDialogProps) {
  const { fleet } = usePage();
  const commands = () => [
    ...(fleet === null ? [] : openingOf(fleet.list(), fleet.open)),
    ...actionsOf(KEYS, actions),
  ];
  return (
    <CommandPalette
      close={close}
      commands={commands}
      filterBy={(text) => ({
        group: "Filter",
        label: `hosts with “${text}”`,
        run: () => {
          overview.choices.update((before) => ({ ...before, filter: text }));
        },
      })}
      placeholder="a host, an action"
    />
  );
}
