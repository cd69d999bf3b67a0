// @vitest-environment jsdom
import { describe, expect, it } from "vitest";

import { titleOf } from "../../src/shell/announcer";
import { beatsOf } from "../../src/shell/heartbeat";
import { KEYS, keyFor } from "../../src/shell/keys";

describe("the title", () => {
  it.each([
    [null, [], "ada"],
    [null, [["a", { level: "warn", what: "io stall" }]], "▲ ada · io stall"],
    [
      null,
      [
        ["a", { level: "warn", what: "io stall" }],
        ["b", { level: "critical", what: "/srv full" }],
      ],
      "■ ada · /srv full",
    ],
    ["lost", [["a", { level: "warn", what: "io stall" }]], "(lost) ada"],
    ["refused", [], "(refused) ada"],
  ] as [string | null, [string, { level: string; what: string }][], string][])(
    "of a page cut by %s with %j is %s",
    (cut, alerts, title) => {
      expect(titleOf("ada", cut, new Map(alerts))).toBe(title);
    },
  );
});

describe("the heartbeat", () => {
  const slots = (known: boolean[], late: (number | null)[] = []) => ({
    x: known.map((_, at) => at),
    known,
    column: () => known.map((_, at) => late[at] ?? null),
  });

  it("has a full tick, a half one, and a stub for what never came", () => {
    expect(beatsOf(slots([true, false, true], [null, null, 1]), 2, 1, 4)).toEqual([
      "none",
      "full",
      "missed",
      "late",
    ]);
  });

  it("goes on with stubs while nothing comes", () => {
    expect(beatsOf(slots([true, true]), 3, 1, 4)).toEqual(["full", "full", "missed", "missed"]);
  });

  it("keeps only so many", () => {
    expect(beatsOf(slots([true, true, true]), 500, 1, 2)).toEqual(["missed", "missed"]);
  });
});

describe("keys", () => {
  it("are each found by the table that the help shows", () => {
    for (const key of KEYS) {
      for (const name of key.keys)
        expect(keyFor(new KeyboardEvent("keydown", { key: name }))).toBe(key);
    }
  });

  it("do nothing while somebody types, nor with the browser's own modifiers", () => {
    const typed = new KeyboardEvent("keydown", { key: "p", bubbles: true });
    const input = document.createElement("input");
    document.body.append(input);
    input.dispatchEvent(typed);
    expect(keyFor(typed)).toBeNull();
    expect(keyFor(new KeyboardEvent("keydown", { key: "p", ctrlKey: true }))).toBeNull();
  });
});
