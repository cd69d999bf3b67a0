// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { isOnHost, VITALS } from "../../src/sections";
import { commandsOf, matching, type Command } from "../../src/shell/commands";
import { KEYS, type PageActions } from "../../src/shell/keys";

const actions = new Proxy({} as PageActions, {
  get: (made, name: keyof PageActions) =>
    ((made as unknown as Record<string, unknown>)[name] ??= vi.fn()),
});
const panel = document.createElement("section");
panel.dataset["panel"] = "Filesystems";
panel.tabIndex = -1;
document.body.append(panel);

const fleet = {
  list: () => [
    { id: "1", name: "web-1", state: "live" },
    { id: "2", name: "web-2", state: "live" },
    { id: "3", name: "mail-1", state: "lost" },
  ],
  open: vi.fn(),
  close: vi.fn(),
};

const all = (filter = "", onFrontEnd = false) =>
  commandsOf({
    actions,
    vitals: VITALS.filter((vital) => isOnHost(vital, null)),
    panels: [panel],
    processes: ["postgres", "restic backup", "node"],
    filter,
    fleet: onFrontEnd ? fleet : null,
    hostId: onFrontEnd ? "1" : null,
  });
const labels = (query: string) => matching(all(), query).map(({ label }) => label);
const run = (commands: readonly Command[], label: string) => {
  const command = commands.find((one) => one.label === label);
  if (command === undefined) throw new Error(`no ${label}`);
  command.run();
};

it("has every chart, table, process, and every key once", () => {
  const commands = all();
  const shortcuts = commands.map(({ shortcut }) => shortcut).filter((key) => key !== undefined);
  const keys = KEYS.filter(({ dialog }) => dialog !== "commands").map(({ shown }) => shown);
  expect(shortcuts.sort()).toEqual(keys.sort());
  expect(labels("")).toEqual(commands.map(({ label }) => label));
  expect(labels("")).toEqual(expect.arrayContaining(["CPU: cores", "Filesystems", "postgres"]));
});

it("runs what it names", () => {
  run(all(), "disk: busy");
  expect(actions.setFocus).toHaveBeenCalledWith("disk", []);
  expect(actions.setFacet).toHaveBeenCalledWith("disk", "busy");
  run(all(), "pause or continue");
  expect(actions.togglePause).toHaveBeenCalledOnce();
  run(all(), "restic backup");
  expect(actions.setFilter).toHaveBeenLastCalledWith("restic backup");
  run(all("node"), "all processes");
  expect(actions.setFilter).toHaveBeenLastCalledWith("");
  run(all(), "Filesystems");
  expect(document.activeElement).toBe(panel);
});

it.each([
  ["cores", ["CPU: cores"]],
  ["disk qu", ["disk: queue"]],
  ["QUEUE disk", ["disk: queue"]],
  ["charts cores", ["CPU: cores"]],
  ["nothing like this", []],
])("finds by %s, by words in any order", (query, expected) => {
  expect(labels(query)).toEqual(expected);
});

it("lists the best matches and their groups first", () => {
  expect(labels("res")[0]).toBe("restic backup");
  expect(labels("mem")[0]).toBe("memory: use");
  expect(labels("no")[0]).toBe("node");
});

it("lists the other hosts of a front end, and all of them together", () => {
  const commands = all("", true);
  const hosts = commands.filter(({ group }) => group === "Hosts");
  expect(hosts.map(({ label }) => label)).toEqual(["all hosts", "web-2", "mail-1"]);
  expect(all().some(({ group }) => group === "Hosts")).toBe(false);
  run(commands, "mail-1");
  expect(fleet.open).toHaveBeenCalledExactlyOnceWith("3");
  run(commands, "all hosts");
  expect(fleet.close).toHaveBeenCalledOnce();
});
