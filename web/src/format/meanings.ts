/**
 * What each number means, in a sentence, where it comes from, and what is normal. One entry per name
 * on the page; a name without an entry simply does not explain itself.
 */
export interface Meaning {
  readonly name: string;
  readonly text: string;
  readonly from: string;
}

const entry = (name: string, text: string, from: string): Meaning => ({ name, text, from });

export const MEANINGS: Readonly<Record<string, Meaning>> = {
  cpu: entry(
    "CPU",
    "Share of all cores' time spent working, waiting for disks not counted. Busy is what cores are for: high is only a question when something waits.",
    "/proc/stat",
  ),
  user: entry("user", "Time in programs, niced and virtual machines' time included.", "/proc/stat"),
  system: entry("system", "Time in the kernel on behalf of programs.", "/proc/stat"),
  irq: entry(
    "irq",
    "Time answering devices: hard and soft interrupts, much of it network traffic.",
    "/proc/stat",
  ),
  steal: entry(
    "steal",
    "Time this machine wanted to run and its host gave to others. Above 5 % the host is overcommitted.",
    "/proc/stat",
  ),
  iowait: entry(
    "iowait",
    "Idle time while some task waited for a disk. A hint, not load: io stall says how much work really stood still.",
    "/proc/stat",
  ),
  memory: entry(
    "Memory",
    "Used is total minus available: what programs could not get without swapping. Cache is not use.",
    "/proc/meminfo",
  ),
  cached: entry(
    "cached",
    "File contents kept for reuse, tmpfs included. Most of it is given back on demand.",
    "/proc/meminfo Cached + SReclaimable",
  ),
  reclaimable: entry(
    "reclaimable",
    "Available but not free: cache that the kernel gives back when asked.",
    "/proc/meminfo MemAvailable \u2212 MemFree",
  ),
  swap: entry(
    "swap",
    "Memory moved to disk. Use alone is harmless; traffic in and out is what hurts.",
    "/proc/meminfo, /proc/vmstat",
  ),
  load: entry(
    "Load",
    "Threads running or waiting for disk, averaged over 1, 5 and 15 minutes. Not a percentage; the mark is the core count.",
    "/proc/loadavg",
  ),
  "stall.cpu": entry(
    "cpu stall",
    "Share of time in which some task waited for a core. Above 25 % there is lasting queueing.",
    "/proc/pressure/cpu",
  ),
  "stall.memory": entry(
    "memory stall",
    "Share of time in which some task waited for memory to be freed. Any lasting value is felt.",
    "/proc/pressure/memory",
  ),
  "stall.io": entry(
    "io stall",
    "Share of time in which some task stood still waiting for a disk. Above 10 % real work is lost.",
    "/proc/pressure/io",
  ),
  network: entry(
    "Network",
    "Bytes received and sent by physical interfaces; bridges and tunnels repeat them and are not added.",
    "/proc/net/dev",
  ),
  retransmits: entry(
    "retransmits",
    "TCP segments sent again because nobody confirmed them. A few are normal on any long path.",
    "/proc/net/snmp RetransSegs",
  ),
  drops: entry(
    "drops",
    "Packets thrown away by interfaces, errors included. Should be zero.",
    "/proc/net/dev",
  ),
  disk: entry(
    "Disk",
    "Bytes read from and written to physical disks; layers above them (dm, md) are not added again.",
    "/proc/diskstats",
  ),
  busy: entry(
    "busy",
    "Share of time in which the disk had a request in hand. On NVMe 100 % is not yet full: look at wait.",
    "/proc/diskstats",
  ),
  wait: entry(
    "wait",
    "Mean time from asking a disk to its answer. Above 100 ms is slow for any disk.",
    "/proc/diskstats",
  ),
  heat: entry(
    "Temperature",
    "The hottest sensor against its own limits; only the chip knows what is too hot.",
    "/sys/class/hwmon",
  ),
  processes: entry(
    "Processes",
    "The busiest and the largest processes. 100 % is one core; shared pages count fully in each.",
    "/proc/PID/stat",
  ),
  "cpu%": entry(
    "cpu %",
    "Time on a core since the sample before, all threads together. 100 is one core.",
    "/proc/PID/stat",
  ),
  rss: entry(
    "memory",
    "Pages in physical memory, shared ones included: the sum may exceed what there is.",
    "/proc/PID/stat",
  ),
  state: entry(
    "state",
    "R runs, S sleeps, D waits for a disk and cannot be killed, T stopped, Z ended but not collected, I idle kernel thread.",
    "/proc/PID/stat",
  ),
  filesystems: entry(
    "Filesystems",
    "Used as df counts it, the root reserve excluded. Inodes take the bar's place where they are scarcer.",
    "statvfs(2), /proc/self/mountinfo",
  ),
  disks: entry(
    "Disks",
    "Each disk; md and dm below repeat their members and are not in the totals.",
    "/proc/diskstats",
  ),
  interfaces: entry(
    "Interfaces",
    "Each interface; virtual ones below repeat the bytes of physical ones.",
    "/proc/net/dev",
  ),
  tcp: entry(
    "TCP",
    "Connections of both address families by state.",
    "sock_diag, /proc/net/sockstat, /proc/net/snmp",
  ),
  established: entry(
    "established",
    "Connections that are open both ways.",
    "/proc/net/snmp CurrEstab",
  ),
  "time wait": entry(
    "time wait",
    "Connections closed by this side, kept a minute so that late segments do no harm.",
    "/proc/net/sockstat",
  ),
  "close wait": entry(
    "close wait",
    "The other side hung up and the program here has not closed. A growing number is a bug in it.",
    "sock_diag",
  ),
  "syn received": entry(
    "syn received",
    "Connections half made. Many at once are a flood, or a full backlog.",
    "sock_diag",
  ),
  listen: entry("listen", "Sockets waiting for connections.", "sock_diag"),
  temperatures: entry(
    "Temperatures",
    "Every sensor, read each 10 s: asking more often can warm up or wake the device.",
    "/sys/class/hwmon",
  ),
  limits: entry(
    "Limits",
    "What this container may use, beside what the host has. Memory and CPU elsewhere on this page are the host's.",
    "/sys/fs/cgroup",
  ),
  throttled: entry(
    "throttled",
    "Share of periods in which the container used up its CPU quota and had to wait.",
    "cpu.stat nr_throttled",
  ),
  custom: entry(
    "Custom section",
    "Published by a program that embeds the streamer.",
    "the program itself",
  ),
  stream: entry(
    "This stream",
    "How the numbers get here, and what that costs.",
    "the streamer and this page",
  ),
  delay: entry(
    "delay",
    "How much later than the quickest sample the newest one came: network, queues and this browser.",
    "this page's clock",
  ),
  missed: entry(
    "missed",
    "Samples the server made that never got here, of all it made meanwhile. They show as holes.",
    "gaps in seq",
  ),
  viewers: entry(
    "viewers",
    "Everybody who gets this stream, this page included (twice while processes are shown).",
    "the streamer's hub",
  ),
  "own cpu": entry(
    "own cpu",
    "What the streamer itself takes from this host. 100 % is one core.",
    "its /proc/self/stat",
  ),
  "own memory": entry(
    "own memory",
    "What the streamer itself holds in memory.",
    "its /proc/self/statm",
  ),
  "per viewer": entry("per viewer", "Bytes a second that this page receives.", "this page"),
  login: entry(
    "logged in",
    "The token that let this page in, by its name. Logging out ends it in this browser only.",
    "the streamer's tokens",
  ),
  heartbeat: entry(
    "Heartbeat",
    "A tick for each of the last samples, newest at the right: full came in time, half came late, a stub never came.",
    "this page",
  ),
};
