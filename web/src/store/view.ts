/**
 * The choices of the viewer, and their form in the address, so that a link shows the same view. Plain data and pure
 * functions.
 */
export const WINDOWS = [60, 300, 600] as const;
export type WindowSeconds = (typeof WINDOWS)[number];

/** Null: that of the system. */
export type Theme = "dark" | "light" | null;

export interface View {
  /** The vital in focus, by its name in the address. */
  readonly focus: string;
  readonly windowSeconds: WindowSeconds;
  /** By focus: which of its views the chart shows, where it is not the first. */
  readonly facets: Readonly<Record<string, string>>;
  /** The column that the viewer sorts the processes by; null: the one that goes with the focus. */
  readonly sort: string | null;
  readonly reversed: boolean;
  readonly filter: string;
  /** Whether the readouts show average, maximum and total. Null: where there is space. */
  readonly statistics: boolean | null;
  readonly theme: Theme;
  readonly kiosk: boolean;
  /** Whether keys of one character act, such as `p`. */
  readonly characterKeys: boolean;
}

export const DEFAULT_VIEW: View = {
  focus: "cpu",
  windowSeconds: 300,
  facets: {},
  sort: null,
  reversed: false,
  filter: "",
  statistics: null,
  theme: null,
  kiosk: false,
  characterKeys: true,
};

/** The server accepts a filter of so many characters. */
export const MAX_FILTER = 200;

/** Read the view from the address. `foci` are the names that a focus can have. Unknown values become the defaults. */
export function viewFromQuery(search: string, foci: readonly string[]): View {
  const query = new URLSearchParams(search);
  const facets: Record<string, string> = {};
  for (const part of query.get("show")?.split(",") ?? []) {
    const [chart, facet] = part.split(".");
    if (chart !== undefined && facet !== undefined) facets[chart] = facet;
  }
  const windowSeconds = Number(query.get("window"));
  const sort = query.get("sort");
  return {
    focus: oneOf(foci, query.get("focus")) ?? DEFAULT_VIEW.focus,
    windowSeconds: WINDOWS.find((choice) => choice === windowSeconds) ?? DEFAULT_VIEW.windowSeconds,
    facets,
    sort: sort?.replace(/^-/, "") ?? null,
    reversed: sort?.startsWith("-") ?? false,
    filter: (query.get("filter") ?? "").slice(0, MAX_FILTER),
    statistics: { 0: false, 1: true }[query.get("statistics") ?? ""] ?? null,
    theme: oneOf(["dark", "light"] as const, query.get("theme")),
    kiosk: query.get("kiosk") === "1",
    characterKeys: query.get("keys") !== "0",
  };
}

/** Write the choices that differ from the default. Other keys of the address are kept, for example those of a proxy. */
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
  put("statistics", view.statistics === null ? null : view.statistics ? "1" : "0");
  put("theme", view.theme);
  put("kiosk", view.kiosk ? "1" : null);
  put("keys", view.characterKeys ? null : "0");
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

function oneOf<T extends string>(choices: readonly T[], value: string | null): T | null {
  return choices.find((choice) => choice === value) ?? null;
}
