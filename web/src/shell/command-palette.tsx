/**
 * The command palette: a field, and a list of everything that the page can do or show. The field keeps the focus, and
 * the arrow keys move through the list, as in the combobox pattern of the ARIA Authoring Practices Guide.
 */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from "react";

import { count } from "../format/numbers";
import { matching, type Command } from "./commands";
import { Dialog } from "./dialog";
import "./command-palette.css";

const LIST = "command-list";
const PAGE_ROWS = 8;

/** A front end has a command for each of its hosts, and nobody reads further. */
const MAX_LISTED = 100;

export interface CommandPaletteProps {
  readonly close: () => void;
  /** Return everything that it offers without a query, in order. */
  readonly commands: () => Command[];
  /** Return the command that is offered last: to filter by the text as it is. */
  readonly filterBy: (text: string) => Command;
  readonly placeholder: string;
}

export function CommandPalette({ close, commands, filterBy, placeholder }: CommandPaletteProps) {
  // Those at the moment of opening: a list that changes while the viewer chooses leads to the wrong choice.
  const [all] = useState(commands);
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const matches = useMemo(() => matching(all, query), [all, query]);
  const text = query.trim();
  const found = [...matches.slice(0, MAX_LISTED), ...(text === "" ? [] : [filterBy(text)])];
  const more = Math.max(0, matches.length - MAX_LISTED);
  const chosen = found[active];
  const idOf = (command: Command) => `command-${all.indexOf(command)}`;
  const chosenId = chosen && idOf(chosen);

  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus(); // after the dialog has focused its first button
  }, []);
  useEffect(() => {
    if (chosenId !== undefined)
      document.getElementById(chosenId)?.scrollIntoView({ block: "nearest" });
  }, [chosenId]);

  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    // First, because the dialog returns the focus, and the command may move it.
    document.querySelector("dialog")?.close();
    close();
    command.run();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return; // Enter and the arrows choose among the words of an input method
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE_ROWS, PageUp: -PAGE_ROWS }[event.key];
    if (event.key === "Enter") run(chosen);
    else if (step === undefined) return;
    else setActive(moved(active, step, found.length));
    event.preventDefault();
  };
  return (
    <Dialog title="Commands" testId="commands" close={close}>
      <input
        ref={field}
        className="command-field"
        type="text"
        role="combobox"
        aria-label="Command"
        aria-autocomplete="list"
        aria-expanded={found.length > 0}
        aria-controls={LIST}
        aria-activedescendant={chosenId}
        placeholder={placeholder}
        value={query}
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => {
          setQuery(target.value);
          setActive(0);
        }}
        onKeyDown={press}
      />
      <div
        id={LIST}
        className="command-list"
        role="listbox"
        aria-label="Commands"
        onMouseDown={keepFocus}
      >
        {groupsOf(found).map(({ group, commands: members }) => (
          <div key={group} role="group" aria-label={group}>
            <div className="faint" role="presentation">
              {group}
            </div>
            {members.map((command) => (
              <div
                key={idOf(command)}
                id={idOf(command)}
                role="option"
                aria-selected={command === chosen}
                onPointerMove={() => {
                  setActive(found.indexOf(command));
                }}
                onClick={() => {
                  run(command);
                }}
              >
                <span>{command.label}</span>
                {command.shortcut !== undefined && <kbd>{command.shortcut}</kbd>}
              </div>
            ))}
          </div>
        ))}
      </div>
      {more > 0 && <p className="faint more">{count(more)} more match: type to find them</p>}
      <p className="visually-hidden" role="status">
        {found.length} {found.length === 1 ? "command" : "commands"}
      </p>
    </Dialog>
  );
}

/** A click on the list leaves the focus in the field. */
function keepFocus(event: MouseEvent): void {
  event.preventDefault();
}

/** Return the next place. A single step goes around at the ends; a page stops there. */
export function moved(active: number, step: number, length: number): number {
  if (length === 0) return 0;
  if (Math.abs(step) === 1) return (active + step + length) % length;
  return Math.max(0, Math.min(length - 1, active + step));
}

/** Commands of one group are neighbours already. */
function groupsOf(commands: readonly Command[]): { group: string; commands: Command[] }[] {
  const groups: { group: string; commands: Command[] }[] = [];
  for (const command of commands) {
    const group = groups.at(-1);
    if (group?.group === command.group) group.commands.push(command);
    else groups.push({ group: command.group, commands: [command] });
  }
  return groups;
}
