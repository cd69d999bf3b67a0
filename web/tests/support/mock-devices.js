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
