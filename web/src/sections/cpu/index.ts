/** The section `cpu`: how busy the cores are. */
import type { Section } from "../section";
import { chart } from "./chart";
import { CpuTile } from "./tile";

export const section: Section = {
  order: 10,
  vital: { focus: "cpu", key: "c", label: "CPU", Tile: CpuTile, chart },
  texts: {
    "page.user": {
      name: "user",
      text: "Share of time in programs. The chart includes niced programs and virtual machines.",
      from: "/proc/stat",
    },
    "page.irq": {
      name: "irq",
      text: "Share of time in handlers of hardware and software interrupts, mostly of the network.",
      from: "/proc/stat",
    },
  },
  help: [
    "cpu",
    "page.user",
    "cpu.system_percent",
    "page.irq",
    "cpu.steal_percent",
    "cpu.iowait_percent",
  ],
};
