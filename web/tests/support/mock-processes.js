/** The processes of the mock host, the busiest first. */
import { round } from "./mock-devices.js";
import { noise } from "./mock-host.js";

const GIB = 2 ** 30;
/** The kernel cuts names. */
const MAX_NAME = 15;

const PROCESSES = [
  [48213, "restic backup /srv", "backup", "D", 96.4, 1.31, 18],
  [2117, "postgres: checkpointer", "postgres", "D", 41.8, 8.94, 1],
  [3390, "node build/server.js", "deploy", "R", 38.2, 2.05, 23],
  [2140, "postgres: walwriter", "postgres", "S", 12.6, 0.41, 1],
  [1288, "dockerd", "root", "S", 7.4, 0.38, 42],
  [912, "caddy run", "caddy", "S", 6.1, 0.12, 19],
  [51022, "rsync --server", "backup", "S", 4.8, 0.06, 1],
  [2201, "redis-server *:6379", "redis", "S", 3.3, 1.12, 6],
  [1, "systemd", "root", "S", 1.2, 0.03, 1],
  [731, "systemd-journald", "root", "S", 0.9, 0.21, 1],
  [1544, "prometheus", "prom", "S", 0.8, 1.77, 14],
  [1601, "grafana-server", "grafana", "S", 0.6, 0.48, 21],
  [640, "telemetry-stream", "telemetry", "S", 0.4, 0.03, 9],
  [3412, "node worker.js", "deploy", "S", 0.4, 0.71, 11],
  [1102, "sshd: ada [priv]", "root", "S", 0.2, 0.02, 1],
  [984, "chronyd", "chrony", "S", 0.1, 0.01, 1],
  [1019, "cron", "root", "S", 0, 0.01, 1],
  [17, "kworker/3:1-events", "root", "I", 0, 0, 1],
  [2239, "postgres: autovacuum", "postgres", "S", 0, 0.22, 1],
  [702, "systemd-udevd", "root", "S", 0, 0.03, 1],
  [958, "dnsmasq", "dnsmasq", "S", 0, 0.01, 1],
  [966, "systemd-logind", "root", "S", 0, 0.02, 1],
  [1043, "containerd", "root", "S", 0, 0.09, 38],
  [1710, "alertmanager", "prom", "S", 0, 0.05, 12],
  [22, "ksoftirqd/1", "root", "S", 0, 0, 1],
  [1811, "smartd", "root", "S", 0, 0.01, 1],
  [1822, "nfs-client", "root", "S", 0, 0.01, 2],
];

const UNITS = { 3390: "docker 3f2ab1c05d6e", 1102: "session-3.scope", 1: "init.scope" };

export function processesOf(t) {
  const top = PROCESSES.map(([pid, name, user, state, cpu, gib, threads]) => ({
    pid,
    name: name.slice(0, MAX_NAME),
    user,
    state,
    cpu_percent: round(Math.max(0, cpu * (1 + noise(t, pid) * 0.08)), 1),
    cpu_percent_of_host: round(cpu / 16),
    memory_rss_bytes: round(gib * GIB, 0),
    memory_percent: round((gib / 62.7) * 100),
    threads,
    started_at: 1760435300 + pid,
    command: name,
    unit: UNITS[pid] ?? (user === "root" ? null : `${user}.service`),
    read_bytes_per_second: state === "D" ? round(cpu * 2 ** 21, 0) : 0,
    write_bytes_per_second: 0,
  }));
  return {
    total: 412,
    by_state: {
      running: 3,
      sleeping: 352,
      disk_sleep: 2,
      stopped: 0,
      zombie: 0,
      idle: 55,
      other: 0,
    },
    top,
    visibility: "all",
  };
}
