/** The command palette of the page of a host. */
import { isOnHost, VITALS } from "../sections";
import { useHost, usePage } from "../store/use-telemetry";
import { CommandPalette } from "./command-palette";
import { commandsOf } from "./commands";
import type { DialogProps } from "./later";

export function HostPalette({ close, actions }: DialogProps) {
  const { view, fleet } = usePage();
  const { id: hostId, display, processMemory } = useHost();
  const commands = () =>
    commandsOf({
      actions,
      vitals: VITALS.filter((vital) => isOnHost(vital, display.get().picture.sample)),
      panels: [...document.querySelectorAll<HTMLElement>("[data-panel]")],
      processes: processMemory.names(),
      filter: view.get().filter,
      fleet,
      hostId,
    });
  return (
    <CommandPalette
      close={close}
      commands={commands}
      filterBy={(text) => ({
        group: "Filter",
        label: `processes with “${text}”`,
        run: () => {
          actions.setFilter(text);
        },
      })}
      placeholder="a chart, a table, a process, an action"
    />
  );
}
