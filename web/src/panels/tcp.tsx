/** TCP by state where somebody counts the states, by the kernel's cheap counters where nobody does. */
import { count, fixed, UNKNOWN } from "../format/numbers";
import { age } from "../format/time";
import { usePicture } from "../store/use-telemetry";
import { Facts, Panel, useHas } from "./panel";

const STATES = [
  ["time_wait", "time wait"],
  ["listen", "listen"],
  ["close_wait", "close wait"],
  ["syn_recv", "syn received"],
] as const;

export function Tcp() {
  const has = useHas("tcp");
  const tcp = usePicture((picture) => picture.sample?.sections.tcp);
  if (!has) return null;
  const states = tcp?.states;
  const retransmits = tcp?.retransmits_per_second;
  const aside =
    states == null || tcp?.states_age_seconds == null ? null : `${age(tcp.states_age_seconds)} ago`;
  const cheap: readonly (readonly [string, string, string?])[] = [
    ["time wait", count(tcp?.time_wait), "time wait"],
    ["in use", count(tcp?.inuse)],
    ["orphaned", count(tcp?.orphan)],
    ["opened /s", opened(tcp?.active_opens_per_second, tcp?.passive_opens_per_second)],
  ];
  return (
    <Panel
      title="TCP"
      explain="tcp"
      section="tcp"
      aside={tcp?.states_truncated === true ? "truncated" : aside}
    >
      <Facts
        rows={[
          [
            "established",
            <span data-testid="connections">
              {count(states?.["established"] ?? tcp?.current_established)}
            </span>,
            "established",
          ],
          ...(states == null
            ? cheap
            : STATES.map(([key, name]) => [name, count(states[key] ?? 0), name] as const)),
          [
            "retransmits",
            retransmits == null ? UNKNOWN : `${fixed(retransmits, 1)} /s`,
            "retransmits",
          ],
        ]}
      />
    </Panel>
  );
}

function opened(active: number | null | undefined, passive: number | null | undefined): string {
  return active == null || passive == null ? UNKNOWN : fixed(active + passive, 1);
}
