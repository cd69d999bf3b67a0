/** The command palette of the overview: the hosts, and what its keys do. */
import { CommandPalette } from "../shell/command-palette";
import { actionsOf, openingOf, type Command } from "../shell/commands";
import type { Notifications } from "../store/page";
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
  const { fleet, notifications } = usePage();
  const commands = () => [
    ...(fleet === null ? [] : openingOf(fleet.list(), fleet.open)),
    ...actionsOf(KEYS, actions),
    ...notifyingOf(notifications),
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

/** Return the command that turns notifications of all hosts on or off, where the browser allows them. */
export function notifyingOf({ state, toggle }: Notifications): Command[] {
  const now = state.get();
  if (now !== "on" && now !== "off") return [];
  return [
    {
      group: "Actions",
      label: now === "on" ? "do not notify me of alerts" : "notify me of alerts in this browser",
      run: () => void toggle(),
    },
  ];
}
