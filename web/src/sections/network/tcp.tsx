/** The panel of TCP: connections by state where the states are counted, else the counters that are always there. */
import { count, fixed, UNKNOWN } from "../../format/numbers";
import { age } from "../../format/time";
import { Facts, Panel, type Fact } from "../../parts/panel";
import { usePicture } from "../../store/use-telemetry";
import type { Sections } from "../../protocol/sections";

const STATES = [
  ["time_wait", "time wait"],
  ["listen", "listen"],
  ["close_wait", "close wait"],
  ["syn_recv", "syn received"],
] as const;

export function Tcp() {
  const tcp = usePicture(({ sample }) => sample?.sections.tcp);
  const states = tcp?.states;
  const established = states?.["established"] ?? tcp?.current_established;
  const retransmits = tcp?.retransmits_per_second;
  return (
    <Panel title="TCP" explain="tcp" section="tcp" aside={asideOf(tcp)}>
      <Facts
        facts={[
          {
            name: "established",
            value: <span data-testid="connections">{count(established)}</span>,
            explain: "tcp.states.established",
          },
          ...(states == null ? alwaysCounted(tcp) : byState(states)),
          {
            name: "retransmits",
            value: retransmits == null ? UNKNOWN : `${fixed(retransmits, 1)} /s`,
            explain: "tcp.retransmits_per_second",
          },
        ]}
      />
    </Panel>
  );
}

function asideOf(tcp: Sections["tcp"]): string | null {
  if (tcp?.states_truncated === true) return "truncated";
  return tcp?.states == null || tcp.states_age_seconds === null
    ? null
    : `${age(tcp.states_age_seconds)} ago`;
}

function byState(states: Readonly<Record<string, number | null>>): Fact[] {
  return STATES.map(([state, name]) => ({
    name,
    // One without connections is left out.
    value: count(states[state] === undefined ? 0 : states[state]),
    explain: `tcp.states.${state}`,
  }));
}

function alwaysCounted(tcp: Sections["tcp"]): Fact[] {
  const active = tcp?.active_opens_per_second;
  const passive = tcp?.passive_opens_per_second;
  return [
    { name: "time wait", value: count(tcp?.time_wait), explain: "tcp.states.time_wait" },
    { name: "in use", value: count(tcp?.inuse) },
    { name: "orphaned", value: count(tcp?.orphan) },
    {
      name: "opened /s",
      value: active == null || passive == null ? UNKNOWN : fixed(active + passive, 1),
    },
  ];
}
