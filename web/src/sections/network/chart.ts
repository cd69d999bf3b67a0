/** The chart of the network: bytes, per interface or in total, packets, TCP connections, retransmits. */
import { perRow, rowNames } from "../../charts/rows";
import { COLOURS, oneSeries, type ChartSpec } from "../../charts/spec";
import { byteRateText, fixed, perSecond } from "../../format/numbers";
import type { Sections } from "../../protocol/sections";
import type { ChartContext, SectionChart } from "../section";

export const FACETS = ["total", "interfaces", "packets", "tcp", "retransmits"];

export const ABOUT = ["network", "interfaces", "tcp", "udp", "sockets"];

export const chart: SectionChart = { facets: FACETS, about: ABOUT, draw };

const BYTES = {
  name: "Network",
  explains: "network",
  unit: "/s",
  kind: "lines",
  bytes: true,
  format: byteRateText,
} as const;

function draw(context: ChartContext): ChartSpec {
  switch (context.facet) {
    case "interfaces":
      return { ...BYTES, ...perInterface(context, ["rx_bytes_per_second", "tx_bytes_per_second"]) };
    case "packets":
      return {
        name: "Packets",
        unit: "/s",
        kind: "lines",
        floor: 10,
        format: perSecond,
        ...perInterface(context, ["rx_packets_per_second", "tx_packets_per_second"]),
      };
    case "tcp":
      return connections(context.sample?.sections.tcp);
    case "retransmits":
      return {
        name: "TCP",
        explains: "tcp",
        unit: "retransmitted segments /s",
        kind: "lines",
        floor: 1,
        format: perSecond,
        series: [oneSeries("retransmits", "tcp.retransmits_per_second", "s3")],
      };
    default:
      return {
        ...BYTES,
        series: [
          oneSeries("received", "network.total_rx_bytes_per_second", "s1"),
          oneSeries("sent", "network.total_tx_bytes_per_second", "s2"),
        ],
      };
  }
}

function perInterface({ sample, slice }: ChartContext, fields: readonly string[]) {
  return perRow(slice, "interfaces", rowNames(sample?.sections.interfaces), fields, "sum");
}

const STATES = ["established", "time_wait", "listen", "close_wait", "syn_recv", "fin_wait2"];

/** By state where the states are counted; else the two that the kernel always counts. */
function connections(tcp: Sections["tcp"]): ChartSpec {
  const byState = STATES.map((state, index) =>
    oneSeries(state.replace("_", " "), `tcp.states.${state}`, COLOURS[index] ?? "s1"),
  );
  const always = [
    oneSeries("established", "tcp.current_established", "s1"),
    oneSeries("time wait", "tcp.time_wait", "s2"),
  ];
  return {
    name: "TCP",
    explains: "tcp",
    unit: "connections by state",
    kind: "lines",
    floor: 1,
    format: (value) => fixed(value, 0),
    series: tcp?.states == null ? always : byState,
  };
}
