import { describe, expect, it } from "vitest";

import { DEFAULT_VIEW, queryFromView, viewFromQuery } from "../../src/store/view";

describe("the view in the address", () => {
  it("says nothing where nothing was chosen", () => {
    expect(queryFromView(DEFAULT_VIEW, "")).toBe("");
    expect(viewFromQuery("")).toEqual(DEFAULT_VIEW);
  });

  it("comes back as it was", () => {
    const view = {
      ...DEFAULT_VIEW,
      focus: "disk",
      windowSeconds: 60,
      facets: { disk: "busy", load: "all stalled" },
      sort: "memory",
      reversed: true,
      filter: "post gres",
      theme: "light",
      kiosk: true,
    } as const;
    expect(viewFromQuery(queryFromView(view, ""))).toEqual(view);
  });

  it("keeps what is not its own", () => {
    expect(queryFromView({ ...DEFAULT_VIEW, kiosk: true }, "?host=ada")).toBe("?host=ada&kiosk=1");
  });

  it("takes nonsense for the default", () => {
    expect(
      viewFromQuery("?focus=moon&window=7&sort=-colour&theme=pink&show=x&kiosk=maybe"),
    ).toEqual({
      ...DEFAULT_VIEW,
      reversed: true,
    });
  });
});
