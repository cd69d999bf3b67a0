import { expect, it } from "vitest";

import { DEFAULT_VIEW, queryFromView, viewFromQuery } from "../../src/store/view";

const FOCI = ["cpu", "disk"];

it("has no query without a choice", () => {
  expect(queryFromView(DEFAULT_VIEW, "")).toBe("");
  expect(viewFromQuery("", FOCI)).toEqual(DEFAULT_VIEW);
});

it("reads the view that it wrote", () => {
  const view = {
    ...DEFAULT_VIEW,
    focus: "disk",
    windowSeconds: 60,
    facets: { disk: "busy", load: "all stalled" },
    sort: "memory",
    reversed: true,
    filter: "post gres",
    statistics: false,
    theme: "light",
    kiosk: true,
  } as const;
  expect(viewFromQuery(queryFromView(view, ""), FOCI)).toEqual(view);
});

it("keeps other keys of the address", () => {
  expect(queryFromView({ ...DEFAULT_VIEW, kiosk: true }, "?host=ada")).toBe("?host=ada&kiosk=1");
});

it("has no filter that the server does not accept", () => {
  const { filter } = viewFromQuery(`?filter=${"x".repeat(300)}`, FOCI);
  expect(filter).toBe("x".repeat(200));
});

it("has the defaults for values that it does not know", () => {
  expect(
    viewFromQuery("?focus=moon&window=7&theme=pink&show=x&kiosk=maybe&statistics=yes", FOCI),
  ).toEqual(DEFAULT_VIEW);
});
