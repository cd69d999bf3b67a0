/** Rows of the mock host: a pressure, a disk, an interface, a filesystem. */
const GIB = 2 ** 30;

/** Limits the number of digits, as the server does. */
export function round(value, digits = 2) {
  return Number(value.toFixed(digits));
}

export function pressureOf(some, full) {
  return {
    some_percent: round(some),
    some_avg10_percent: round(some * 0.95),
    full_percent: round(full),
    full_avg10_percent: round(full),
  };
}

export function diskRow(name, kind, util, read, write, extra = {}) {
  return {
    name,
    kind,
    read_bytes_per_second: round(read, 0),
    write_bytes_per_second: round(write, 0),
    reads_per_second: round(read / 131072, 1),
    writes_per_second: round(write / 65536, 1),
    read_await_ms: read > 0 ? 3.1 : null,
    write_await_ms: write > 0 ? 1.2 : null,
    queue_depth: round(util / 30, 2),
    util_percent: util,
    in_flight: 0,
    ...extra,
  };
}

/** An array of raid6 whose data is being checked: how much of it is done, in percent; null while it is not. */
export function arrayOf(name, required, checked = null) {
  const works = checked !== null;
  return {
    name,
    level: "raid6",
    state: works ? "active" : "clean",
    required,
    active: required,
    failed: 0,
    spare: 0,
    degraded: 0,
    sync_action: works ? "check" : "idle",
    sync_percent: checked,
    sync_bytes_per_second: works ? 118 * 2 ** 20 : null,
    sync_left_seconds: works ? 9600 : null,
    members: Array.from({ length: required }, (_, n) => ({
      name: `sd${"cdef"[n]}1`,
      state: "active",
    })),
  };
}

export function nicRow(name, counted, operstate, speed_mbps, rx, tx, drops = 0) {
  return {
    name,
    counted,
    operstate,
    speed_mbps,
    rx_bytes_per_second: rx,
    tx_bytes_per_second: tx,
    rx_packets_per_second: rx === null ? null : round(rx / 900, 1),
    tx_packets_per_second: tx === null ? null : round(tx / 900, 1),
    rx_errors_per_second: rx === null ? null : 0,
    tx_errors_per_second: tx === null ? null : 0,
    rx_drops_per_second: rx === null ? null : drops,
    tx_drops_per_second: tx === null ? null : 0,
  };
}

/** A battery-backed host with two meters and fans. `t` is the second. */
export function powerOf(t, load) {
  return {
    supplies: [
      {
        name: "ups",
        kind: "ups",
        model: "APC Back-UPS 950",
        scope: "system",
        is_online: true,
        status: "full",
        charge_percent: 100,
        watts: null,
        remaining_seconds: null,
        age_seconds: t % 10,
      },
    ],
    rapl: [
      { name: "package-0", watts: round(38 + load * 1.4, 1) },
      { name: "package-0/core", watts: round(21 + load * 1.2, 1) },
    ],
    fans: [
      { chip: "nct6775", sensor: "fan1", label: "CPU fan", rpm: 1180 + (t % 7), age_seconds: 1 },
      { chip: "nct6775", sensor: "fan2", label: "rear", rpm: 840 + (t % 5), age_seconds: 1 },
    ],
    meters: [],
  };
}

export function gpuOf(t, use) {
  return {
    id: "0000:01:00.0",
    name: "NVIDIA RTX A4000",
    driver: "nvidia",
    state: "active",
    usage_percent: round(use, 0),
    memory_used_bytes: round((3 + use / 20) * GIB, 0),
    memory_total_bytes: 16 * GIB,
    memory_busy_percent: round(use / 2, 0),
    encoder_percent: 0,
    decoder_percent: 0,
    celsius: round(44 + use * 0.3, 0),
    slowdown_celsius: 95,
    watts: round(28 + use, 1),
    limit_watts: 140,
    clock_mhz: use > 5 ? 1560 : 210,
    memory_clock_mhz: use > 5 ? 7001 : 405,
    fan_percent: 41,
    is_throttled: false,
    throttle_reasons: "",
    processes: [{ pid: 4242, name: "ollama", usage_percent: round(use, 0), memory_bytes: 3 * GIB }],
    age_seconds: 0,
  };
}

export function clocksOf(t, cores) {
  return {
    cores: cores.map(({ id, usage_percent }) => ({
      id,
      type: null,
      frequency_mhz: round(1700 + (usage_percent ?? 0) * 34, 0),
      frequency_max_mhz: 5881,
      governor: "schedutil",
    })),
    packages: [],
    core_throttles_per_second: null,
    board: null,
    age_seconds: 0,
  };
}

export function fsRow(mountpoint, used_percent, freeGib, extra = {}) {
  const available = freeGib * GIB;
  const used = (available * used_percent) / (100 - used_percent);
  return {
    mountpoint,
    device: "/dev/nvme0n1p2",
    fstype: "ext4",
    size_bytes: round(used + available, 0),
    used_bytes: round(used, 0),
    available_bytes: round(available, 0),
    used_percent,
    inodes_used_percent: 12,
    read_only: false,
    stale: false,
    age_seconds: 4,
    ...extra,
  };
}
