/** The title of the tab while the overview is shown. */
import type { Title } from "../shell/tab";
import { SEVERITIES } from "../store/alerts";
import { levelOf, type Counts, type Row } from "./order";
import { LOOKS } from "./states";

/** Return the title of the tab: the worst state, and how many hosts are in it; else how many have alerts. */
export function titleOf(counts: Counts, rows: readonly Row[]): Title {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const name = `${total} ${total === 1 ? "host" : "hosts"}`;
  const [worst] = [...counts].filter(([state]) => LOOKS[state].level !== undefined);
  if (worst !== undefined) {
    const [state, count] = worst;
    const { level } = LOOKS[state];
    if (level !== undefined) return { name, worst: { level, label: `${count} ${state}` } };
  }
  const levels = rows.map(levelOf);
  for (const level of ["critical", "warn"] as const) {
    const count = levels.filter((one) => one === level).length;
    if (count > 0) return { name, worst: { level, label: `${count} ${SEVERITIES[level]}` } };
  }
  return { name };
}
