/**
 * What the viewer chose to look at, and its form in the address, so that a link shows the same view.
 * Plain data and pure functions: who changes it when is the shell's business.
 */
export const FOCI = ["cpu", "memory", "load", "network", "disk", "heat"] as const;
export type Focus = (typeof FOCI)[number];

export const WINDOWS = [60, 300, 600] as const;
export type WindowSeconds = (typeof WINDOWS)[number];

export const SORTS = ["pid", "command", "user", "state", "cpu", "memory", "threads"] as const;
export type SortKey = (typeof SORTS)[number];

export type Theme = "dark" | "light" | null;

export interface View {
  readonly focus: Focus;
  readonly windowSeconds: WindowSeconds;
  /** Which of its pictures each chart shows; by chart, only where it is not the first. */
  readonly facets: Readonly<Record<string, string>>;
  readonly sort: SortKey | null;
  readonly reversed: boolean;
  readonly filter: string;
  readonly theme: Theme;
  readonly kiosk: boolean;
}

export const DEFAULT_VIEW: View = {
  focus: "cpu",
  windowSeconds: 300,
  facets: {},
  sort: null,
  reversed: false,
  filter: "",
  theme: null,
  kiosk: false,
};

export function viewFromQuery(search: string): View {
  const query = new URLSearchParams(search);
  const facets: Record<string, string> = {};
  for (const part of query.get("show")?.split(",") ?? []) {
    const [chart, facet] = part.split(".");
    if (chart !== undefined && facet !== undefined) facets[chart] = facet;
  }
  const windowSeconds = Number(query.get("window"));
  const sort = query.get("sort");
  return {
    focus: oneOf(FOCI, query.get("focus")) ?? DEFAULT_VIEW.focus,
    windowSeconds: WINDOWS.find((choice) => choice === windowSeconds) ?? DEFAULT_VIEW.windowSeconds,
    facets,
    sort: oneOf(SORTS, sort?.replace(/^-/, "") ?? null),
    reversed: sort?.startsWith("-") ?? false,
    filter: query.get("filter") ?? "",
    theme: oneOf(["dark", "light"] as const, query.get("theme")),
    kiosk: query.get("kiosk") === "1",
  };
}

/** Only what differs from the default, behind whatever else the address had (a prefix's own keys). */
export function queryFromView(view: View, search: string): string {
  const query = new URLSearchParams(search);
  const put = (key: string, value: string | null): void => {
    if (value === null || value === "") query.delete(key);
    else query.set(key, value);
  };
  put("focus", view.focus === DEFAULT_VIEW.focus ? null : view.focus);
  put(
    "window",
    view.windowSeconds === DEFAULT_VIEW.windowSeconds ? null : String(view.windowSeconds),
  );
  put(
    "show",
    Object.entries(view.facets)
      .map(([chart, facet]) => `${chart}.${facet}`)
      .join(","),
  );
  put("sort", view.sort === null ? null : `${view.reversed ? "-" : ""}${view.sort}`);
  put("filter", view.filter);
  put("theme", view.theme);
  put("kiosk", view.kiosk ? "1" : null);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function oneOf<T extends string>(choices: readonly T[], value: string | null): T | null {
  return choices.find((choice) => choice === value) ?? null;
}
