/**
 * The sections of a sample: the same field names as the server's records, units in the names.
 * Every metric may be null, which means "not known"; zero is a measured zero.
 */
import { flag, list, maybe, number, record, text, type Infer } from "./shape";

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

const host = record({
  id: text,
  uptime_seconds: gauge,
  boot_time_unix: gauge,
  suspended_seconds: gauge,
  boot_id: maybe(text),
  view: maybe(text),
});

/** Every section this page knows; the order is the order of export. */
export const SECTIONS = { cpu, memory, swap, load, sockets, tcp, udp, host, self: own };

export type Sections = { [K in keyof typeof SECTIONS]?: Infer<(typeof SECTIONS)[K]> };
export type SectionName = keyof typeof SECTIONS;
export type Cpu = Infer<typeof cpu>;
export type Memory = Infer<typeof memory>;
