/**
 * The line at the bottom of the screen: all that is known of the host under the pointer or with the focus, above all why
 * it has no values. Screen readers get the same from the host itself.
 */
import { age } from "../format/time";
import { LEVELS, SEVERITIES } from "../store/alerts";
import type { Freshness } from "../store/freshness";
import { useStore } from "../store/use-telemetry";
import { ageOf, type OverviewState, type RunningOverview } from "./create-overview";
import { levelOf, type Row } from "./order";
import { LOOKS } from "./states";

export interface NoteProps {
  readonly overview: RunningOverview;
  readonly state: OverviewState;
  readonly fresh: Freshness;
}

export function Note({ overview, state, fresh }: NoteProps) {
  const described = useStore(overview.described, (number) => number);
  const row = state.shown.find(({ number }) => number === described);
  if (row === undefined) return null;
  return (
    <div className="note" aria-hidden="true" data-testid="note">
      <b>{row.host.name}</b> <span>{stateText(row, state, fresh)}</span>
    </div>
  );
}

/** `1 critical, 2 warning: /srv is 98 % full` */
function alertsText(row: Row): string {
  const { alerts } = row;
  if (alerts === null || levelOf(row) === undefined) return "";
  const counts = LEVELS.filter((level) => alerts[level] > 0).map(
    (level) => `${alerts[level]} ${SEVERITIES[level]}`,
  );
  return `${counts.join(", ")}: ${alerts.text ?? ""}`;
}

/** Return everything about the state of a host, and what it belongs to. */
export function stateText(row: Row, state: OverviewState, fresh: Freshness): string {
  const { host, skewSeconds } = row;
  const seconds = ageOf(row, state, fresh);
  const reason = state.reasons.get(row.number) ?? LOOKS[row.state].meaning;
  const skew = Math.round(Math.abs(skewSeconds ?? 0));
  const isOld = seconds !== null && seconds > 0;
  return [
    isOld ? `${row.state}, the values are ${age(seconds)} old` : row.state,
    row.state === "live" ? alertsText(row) : reason,
    skewSeconds === null ? "" : `its clock is ${age(skew)} ${skewSeconds > 0 ? "behind" : "ahead"}`,
    host.site === "" ? "" : `site ${host.site}`,
    host.tags.length === 0 ? "" : `tags ${host.tags.join(", ")}`,
  ]
    .filter((part) => part !== "")
    .map((part) => part.replace(/\.$/, ""))
    .join(" · ");
}
