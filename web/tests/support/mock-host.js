/**
 * A mock host for the page: sixteen cores, a nightly upload that reads the disk, and every section that the page can
 * draw. `sampleOf(t)` is a pure function of the second, so history and live samples agree. Not a reference for the
 * format: that are the golden frames.
 */
import {
  arrayOf,
  clocksOf,
  diskRow,
  fsRow,
  gpuOf,
  nicRow,
  powerOf,
  pressureOf,
  round,
} from "./mock-devices.js";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Noise in (-1, 1), always the same for the same second and lane. */
export function noise(t, lane) {
  let h = Math.imul(t ^ (lane * 0x9e3779b9), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1) * 0.9;
}
const smooth = (t, lane, span = 4) => {
  let sum = 0;
  for (let k = 0; k < span; k += 1) sum += noise(t - k, lane);
  return sum / Math.sqrt(span);
};
const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));
const hump = (t, at, length) => {
  const p = (t - at) / length;
  return p > 0 && p < 1 ? Math.sin(p * Math.PI) : 0;
};

export const HOST = {
  id: "b3f1c2d4e5a69788",
  name: "ada",
  kernel: "Linux 6.12.48",
  cpu_model: "AMD Ryzen 9 7950X 16-Core Processor",
  cores: 16,
};

/** What the host does at second `t` of a cycle of 900 s. The upload starts after 428 s. */
function storyOf(t) {
  const cycle = ((t % 900) + 900) % 900;
  const on = cycle > 428 ? Math.min(1, (cycle - 428) / 9) : 0;
  const user = clamp(13 + smooth(t, 1) * 3 + hump(cycle, 352, 44) * 26 + on * 9, 2, 80);
  const system = clamp(3.6 + smooth(t, 2) + on * 4.2, 0.6, 30);
  const iowait = clamp(0.5 + on * (8.5 + smooth(t, 3) * 2 + Math.sin(t / 11) * 2.5), 0, 40);
  const softirq = clamp(0.4 + smooth(t, 4) * 0.1 + on * 0.7, 0.05, 6);
  const read =
    Math.max(0, 1.4 + Math.max(0, noise(t, 5)) * 3 + on * (206 + smooth(t, 6) * 24)) * MIB;
  const write = (4.2 + Math.max(0, noise(t, 7)) * 2 + (t % 30 < 3 ? 18 : 0)) * MIB;
  const tx = Math.max(0.1, 0.9 + Math.max(0, noise(t, 8)) + on * (72 + smooth(t, 9) * 7)) * MIB;
  const rx = Math.max(0.3, 3 + smooth(t, 10) * 0.5 + hump(cycle, 210, 40) * 22) * MIB;
  return { on, user, system, iowait, softirq, read, write, tx, rx, cycle };
}

/** The alerts that fire at second `t`, as the server would report them. `quiet` has none. */
export function alertsOf(t, start, { twists = [] } = {}) {
  if (twists.includes("quiet")) return [];
  const { cycle } = storyOf(t);
  const alert = (rule, severity, section, field, since, text, labels = {}) => ({
    ...{ rule, state: "firing", severity, section, fields: [`${section}.${field}`], labels },
    ...{ since_unix: start + since, text, values: {}, known: true },
  });
  return [
    alert(
      ...["filesystem_full", "warning", "filesystems", "used_percent"],
      ...[t - cycle - 5000, "/srv is 91 % full, 164 GiB are left"],
      { mountpoint: "/srv", device: "/dev/nvme1n1p1", fstype: "ext4" },
    ),
    ...(cycle > 450
      ? [
          alert(
            ...["io_pressure", "warning", "pressure.io", "some_percent"],
            ...[t - cycle + 440, "Programs wait for disks 24 % of the time"],
          ),
        ]
      : []),
  ];
}

const LONG_REASON =
  "[Errno 13] Permission denied: '/proc/meminfo' (the server’s account may not read it)";

/**
 * `twists`: psi, heat and swap leave these out; many has 50 devices of each kind; 256 has 256 cores; spikes has short
 * rises of CPU use, each higher than the one before; longest has the values that need the most space; failed has a
 * memory whose source fails for a long reason.
 */
export function sampleOf(t, seq, { twists = [], interval = 1, start = 0, time = 0 } = {}) {
  const s = storyOf(t);
  if (twists.includes("spikes") && t % 10 === 0) s.user += clamp(t - 570, 25, 70);
  const usage = s.user + s.system + s.softirq + 0.2;
  const shape = [31, 22, 18, 64, 12, 9, 41, 88, 15, 7, 26, 11, 35, 19, 8, 52];
  const count = twists.includes("256") ? 256 : HOST.cores;
  const cores = Array.from({ length: count }, (_, id) =>
    coreOf(id, clamp(shape[id % 16] * (usage / 29) + noise(t, 20 + id) * 6, 0, 100)),
  );
  const used = (21.4 + hump(s.cycle, 352, 60) * 3.1 + s.cycle / 900) * GIB;
  const free = Math.max(2, 15 - s.on * Math.min(9, (s.cycle - 428) * 0.05)) * GIB;
  const total = 62.7 * GIB;
  const step = Math.floor(t / 5) * 5;
  const load1 =
    4.1 + storyOf(step).on * 3.2 + smooth(step, 12, 8) * 0.2 + hump(s.cycle, 352, 90) * 2;
  const heat = 47 + usage * 0.36 + s.on * 3;
  const sections = {
    cpu: {
      usage_percent: round(usage),
      user_percent: round(s.user),
      nice_percent: 0.1,
      system_percent: round(s.system),
      idle_percent: round(100 - usage - s.iowait),
      iowait_percent: round(s.iowait),
      irq_percent: 0.1,
      softirq_percent: round(s.softirq),
      steal_percent: 0,
      guest_percent: 0,
      online_count: count,
      context_switches_per_second: 18231,
      interrupts_per_second: 9120,
      forks_per_second: 3,
      cores,
      clocks: clocksOf(t, cores),
    },
    load: {
      avg1: round(load1),
      avg5: 6.12,
      avg15: 4.87,
      avg1_per_cpu: round(load1 / 16, 3),
      runnable_threads: 3,
      total_threads: 1104,
      procs_running: 3,
      procs_blocked: s.on ? 2 : 0,
    },
    memory: {
      total_bytes: total,
      available_bytes: round(total - used, 0),
      used_bytes: round(used, 0),
      used_percent: round((used / total) * 100),
      free_bytes: round(free, 0),
      buffers_bytes: 1.2 * GIB,
      cached_bytes: round(total - used - free, 0),
      shared_bytes: 0.4 * GIB,
      dirty_bytes: 2 * MIB,
      writeback_bytes: 0,
      available_estimated: false,
      zfs_arc_bytes: null,
    },
    swap: {
      total_bytes: 8 * GIB,
      free_bytes: 8 * GIB,
      used_bytes: 0,
      used_percent: 0,
      in_bytes_per_second: 0,
      out_bytes_per_second: 0,
    },
    pressure: {
      cpu: pressureOf(clamp(1.4 + smooth(t, 13) + hump(s.cycle, 352, 44) * 9, 0, 40), 0),
      memory: pressureOf(0, 0),
      io: pressureOf(
        clamp(0.6 + s.on * (21 + smooth(t, 14) * 4 + Math.sin(t / 13) * 5), 0, 70),
        s.on * 14,
      ),
      irq: null,
    },
    disk: {
      total_read_bytes_per_second: round(s.read, 0),
      total_write_bytes_per_second: round(s.write, 0),
    },
    disks: [
      diskRow("nvme0n1", "disk", s.on ? 94 : 6.2, s.read, s.write),
      diskRow("nvme1n1", "disk", 2.1, 0, 412 * 1024),
      diskRow("sda", "disk", 0, 0, 0),
      diskRow("sdb", "disk", 0, 0, 0),
      diskRow("md0", "md", null, 0, 0),
      diskRow("dm-0", "dm", null, s.read, s.write),
    ],
    filesystems: [
      fsRow("/", 41, 38.2),
      fsRow("/srv", 91.2, 164),
      fsRow("/var", 63, 71),
      fsRow("/boot", 27, 0.64),
      fsRow("/home", 54, 402),
      fsRow("/mnt/nas", 70, 900, { stale: true, age_seconds: 42 + (t % 60), fstype: "nfs4" }),
    ],
    storage: {
      arrays: [arrayOf("md0", 2), arrayOf("md1", 4, round((s.cycle / 9) % 100))],
      pools: [{ name: "tank", state: "ONLINE", online: true }],
      btrfs: [],
    },
    network: {
      total_rx_bytes_per_second: round(s.rx, 0),
      total_tx_bytes_per_second: round(s.tx, 0),
    },
    interfaces: [
      nicRow("enp5s0", true, "up", 1000, round(s.rx, 0), round(s.tx, 0)),
      nicRow("wlp6s0", true, "down", null, 0, 0),
      nicRow("br0", false, "up", null, round(s.rx * 0.97, 0), round(s.tx * 0.99, 0)),
      nicRow("docker0", false, "up", null, 18636, 25190),
      nicRow("wg0", false, "unknown", null, 1228, 1884),
      nicRow("lo", false, "unknown", null, 2.31 * MIB, 2.31 * MIB),
    ],
    sockets: { used: 913 },
    tcp: {
      inuse: 249,
      time_wait: 64,
      orphan: 0,
      alloc: 281,
      memory_bytes: 405504,
      current_established: 218 + (t % 7),
      retransmits_per_second: 0.4,
      active_opens_per_second: 2,
      passive_opens_per_second: 5,
      states: {
        established: 218 + (t % 7),
        time_wait: 64,
        listen: 31,
        close_wait: 2,
        syn_recv: 0,
        fin_wait1: 0,
        fin_wait2: 1,
        syn_sent: 0,
        last_ack: 0,
        closing: 0,
        close: 0,
      },
      states_age_seconds: t % 5,
      states_truncated: false,
    },
    udp: { inuse: 12, memory_bytes: 8192 },
    temperatures: [
      {
        chip: "k10temp",
        sensor: "temp1",
        label: "Tctl",
        celsius: round(heat, 1),
        high_celsius: 85,
        critical_celsius: 95,
        age_seconds: t % 10,
      },
      {
        chip: "nvme0",
        sensor: "temp1",
        label: "composite",
        celsius: 52,
        high_celsius: 82,
        critical_celsius: 89,
        age_seconds: t % 60,
      },
    ],
    power: powerOf(t, usage),
    gpus: [gpuOf(t, clamp(30 + smooth(t, 15) * 20 + hump(s.cycle, 352, 44) * 40, 0, 100))],
    system: {
      uptime_seconds: 3564720.5 + t,
      boot_time_unix: 1760435279,
      boot_id: "0d7e2f4c",
      suspended_seconds: 0,
      view: "host",
      sessions: 2,
      session_users: "ada bob",
      reboot_required: false,
    },
    self: {
      cpu_percent: 0.2,
      memory_rss_bytes: 18.4 * MIB,
      threads: 9,
      viewers: 3,
      frames_sent: 8373,
      frames_dropped: 0,
      frames_refused: 0,
      sends_batched: true,
      tick_lateness_seconds: 0.0004,
      ticks_missed: 0,
    },
    container_counts: { docker: 4, podman: 0, kubernetes: 0, nspawn: 1, lxc: 0, other: 0 },
    units: {
      failed: 0,
      restarting: 1,
      units: [
        {
          name: "importer.service",
          description: "Import of the nightly files",
          state: "restarting",
          result: "exit-code",
          since_unix: (time || start + t) - (t % 30),
          restarts: 41 + Math.floor(t / 30),
        },
      ],
    },
    job_queue: {
      waiting_jobs: 17 + Math.round(smooth(t, 15) * 4),
      oldest_seconds: round(2.4 + smooth(t, 16) * 0.4),
    },
  };
  if (twists.includes("many")) {
    for (let n = 0; n < 44; n += 1) {
      sections.disks.push(diskRow(`sd${"abcdefghij"[n % 10]}${n}`, "disk", n, n * MIB, 0));
      sections.interfaces.push(nicRow(`veth${n}f3c2a1`, false, "up", null, n * 1000, n * 500));
      sections.filesystems.push(fsRow(`/var/lib/volumes/${n}`, n * 2, n + 1));
    }
  }
  if (!twists.includes("hardware")) {
    delete sections.storage;
    delete sections.power;
    delete sections.gpus;
    delete sections.container_counts;
    delete sections.units;
    delete sections.cpu.clocks;
  }
  if (twists.includes("longest")) makeLongest(sections);
  if (twists.includes("psi")) delete sections.pressure;
  if (twists.includes("heat")) delete sections.temperatures;
  if (twists.includes("swap"))
    Object.assign(sections.swap, { total_bytes: 0, free_bytes: 0, used_percent: null });
  const sources = Object.fromEntries(
    Object.keys(sections).map((name) => [
      name,
      { state: "ok", took_seconds: 0.00003, reason: null, age_seconds: null },
    ]),
  );
  if (sections.temperatures)
    sources.temperatures = {
      state: "psutil",
      took_seconds: 0.001,
      reason: "no hwmon",
      age_seconds: null,
    };
  if (twists.includes("failed")) {
    delete sections.memory;
    sources.memory = { ...sources.memory, state: "failed", reason: LONG_REASON };
  }
  return {
    type: "sample",
    stream: "mock",
    host: HOST.id,
    seq,
    time_unix: time || start + t,
    uptime_seconds: 3564720.5 + t,
    interval_seconds: seq === 1 ? null : interval,
    ...sections,
    sources,
  };
}

/** A core with all its shares, of which the page shows none but the first. */
function coreOf(id, usage) {
  return {
    id,
    usage_percent: round(usage),
    user_percent: round(usage * 0.7),
    nice_percent: 0,
    system_percent: round(usage * 0.25),
    idle_percent: round(99.6 - usage),
    iowait_percent: 0.4,
    irq_percent: 0,
    softirq_percent: round(usage * 0.05),
    steal_percent: 0,
    guest_percent: 0,
  };
}

function makeLongest(sections) {
  Object.assign(sections.load, { avg1: 128.35, avg5: 112.04, avg15: 100.87 });
  sections.cpu.usage_percent = 100;
  for (const disk of sections.disks) disk.util_percent = 100;
  for (let n = 0; n < 100; n += 1) {
    const label = `sensor ${n} of the chassis fans`;
    sections.temperatures.push({ chip: "nct6798", sensor: `temp${n}`, label, celsius: 40 });
  }
  sections.build_number = 20_261_128;
  sections.release_notes = "a sentence without an end ".repeat(40) + "x".repeat(2000);
  sections.regions = Array.from({ length: 60 }, (_, n) => ({ name: `eu-central-${n}`, load: n }));
}
