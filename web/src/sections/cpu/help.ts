/** What the help and the tooltips explain about this section. */
import type { SectionHelp } from "../section";

export const help: SectionHelp = {
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
  listed: [
    "cpu",
    "page.user",
    "cpu.system_percent",
    "page.irq",
    "cpu.steal_percent",
    "cpu.iowait_percent",
  ],
};
