/**
 * The sections of a sample: the same field names as the server's records, units in the names.
 * Every metric may be null, which means "not known"; zero is a measured zero.
 */
import { dict, flag, list, maybe, number, record, text, type Infer } from "./shape";

const gauge = maybe(number);

const core = record({ id: number, usage_percent: gauge });

const cpu = record({
  usage_percent: gauge,
  user_percent: gauge,
  nice_percent: gauge,
  system_percent: gauge,
  irq_percent: gauge,
  softirq_percent: gauge,
  steal_percent: gauge,
  guest_percent: gauge,
  iowait_percent: gauge,
  idle_percent: gauge,
  online_count: gauge,
  context_switches_per_second: gauge,
  interrupts_per_second: gauge,
  forks_per_second: gauge,
  cores: maybe(list(core)),
});

const memory = record({
  total_bytes: gauge,
  free_bytes: gauge,
  available_bytes: gauge,
  used_bytes: gauge,
  used_percent: gauge,
  buffers_bytes: gauge,
  cached_bytes: gauge,
  shared_bytes: gauge,
  dirty_bytes: gauge,
  writeback_bytes: gauge,
  available_estimated: maybe(flag),
  zfs_arc_bytes: gauge,
});

const swap = record({
  total_bytes: gauge,
  free_bytes: gauge,
  used_bytes: gauge,
  used_percent: gauge,
  in_bytes_per_second: gauge,
  out_bytes_per_second: gauge,
});

const load = record({
  avg1: gauge,
  avg5: gauge,
  avg15: gauge,
  avg1_per_cpu: gauge,
  runnable_threads: gauge,
  total_threads: gauge,
  procs_running: gauge,
  procs_blocked: gauge,
});

const stall = maybe(
  record({
    some_percent: gauge,
    some_avg10_percent: gauge,
    some_avg60_percent: gauge,
    some_avg300_percent: gauge,
    full_percent: gauge,
    full_avg10_percent: gauge,
    full_avg60_percent: gauge,
    full_avg300_percent: gauge,
  }),
);

const pressure = record({ cpu: stall, memory: stall, io: stall, irq: stall });

const disk = record({
  total_read_bytes_per_second: gauge,
  total_write_bytes_per_second: gauge,
});

const disks = list(
  record({
    name: text,
    kind: maybe(text),
    counted: maybe(flag),
    read_bytes_per_second: gauge,
    write_bytes_per_second: gauge,
    reads_per_second: gauge,
    writes_per_second: gauge,
    read_await_ms: gauge,
    write_await_ms: gauge,
    queue_depth: gauge,
    util_percent: gauge,
    in_flight: gauge,
  }),
);

const filesystems = list(
  record({
    mountpoint: text,
    device: maybe(text),
    fstype: maybe(text),
    size_bytes: gauge,
    used_bytes: gauge,
    available_bytes: gauge,
    used_percent: gauge,
    inodes_used_percent: gauge,
    read_only: maybe(flag),
    stale: maybe(flag),
    age_seconds: gauge,
  }),
);

const network = record({
  total_rx_bytes_per_second: gauge,
  total_tx_bytes_per_second: gauge,
});

const interfaces = list(
  record({
    name: text,
    counted: maybe(flag),
    operstate: maybe(text),
    speed_mbps: gauge,
    rx_bytes_per_second: gauge,
    tx_bytes_per_second: gauge,
    rx_packets_per_second: gauge,
    tx_packets_per_second: gauge,
    rx_errors_per_second: gauge,
    tx_errors_per_second: gauge,
    rx_drops_per_second: gauge,
    tx_drops_per_second: gauge,
  }),
);

const tcp = record({
  inuse: gauge,
  time_wait: gauge,
  orphan: gauge,
  alloc: gauge,
  memory_bytes: gauge,
  current_established: gauge,
  retransmits_per_second: gauge,
  active_opens_per_second: gauge,
  passive_opens_per_second: gauge,
  states: maybe(dict(gauge)),
  states_age_seconds: gauge,
  states_truncated: maybe(flag),
});

const temperatures = list(
  record({
    chip: text,
    device: maybe(text),
    sensor: maybe(text),
    label: maybe(text),
    celsius: gauge,
    high_celsius: gauge,
    critical_celsius: gauge,
    age_seconds: gauge,
  }),
);

const process = record({
  pid: number,
  name: text,
  user: maybe(text),
  state: maybe(text),
  cpu_percent: gauge,
  cpu_percent_of_host: gauge,
  memory_rss_bytes: gauge,
  memory_percent: gauge,
  threads: gauge,
  started_at: gauge,
  command: maybe(text),
});

const processes = record({
  total: gauge,
  by_state: maybe(dict(gauge)),
  top: maybe(list(process)),
  visibility: maybe(text),
});

const cgroup = record({
  version: gauge,
  memory_limit_bytes: gauge,
  memory_current_bytes: gauge,
  memory_working_set_bytes: gauge,
  cpu_limit_cores: gauge,
  cpu_usage_percent: gauge,
  cpu_limit_used_percent: gauge,
  cpu_throttled_percent: gauge,
});

const sockets = record({ used: gauge });

const udp = record({ inuse: gauge, memory_bytes: gauge });

const own = record({
  cpu_percent: gauge,
  memory_rss_bytes: gauge,
  threads: gauge,
  viewers: gauge,
  frames_sent: gauge,
  frames_dropped: gauge,
  frames_refused: gauge,
  tick_lateness_seconds: gauge,
  ticks_missed: gauge,
});

const system = record({
  uptime_seconds: gauge,
  boot_time_unix: gauge,
  suspended_seconds: gauge,
  boot_id: maybe(text),
  view: maybe(text),
});

/** Every section this page knows; the order is the order of export. */
export const SECTIONS = {
  cpu,
  memory,
  swap,
  load,
  pressure,
  disk,
  disks,
  filesystems,
  network,
  interfaces,
  sockets,
  tcp,
  udp,
  processes,
  temperatures,
  cgroup,
  system,
  self: own,
};

export type Sections = { [K in keyof typeof SECTIONS]?: Infer<(typeof SECTIONS)[K]> };
export type SectionName = keyof typeof SECTIONS;
type Of<K extends SectionName> = NonNullable<Sections[K]>;
export type Disk = Of<"disks">[number];
export type Filesystem = Of<"filesystems">[number];
export type Interface = Of<"interfaces">[number];
export type Temperature = Of<"temperatures">[number];
export type Processes = Of<"processes">;
export type Process = NonNullable<Processes["top"]>[number];
