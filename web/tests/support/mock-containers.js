/** The containers of the mock host. */
import { round } from "./mock-devices.js";

const MIB = 2 ** 20;
const ROWS = [
  ["shop-web", "docker", "nginx:1.29", "healthy", 4, 96, 256],
  ["shop-db", "docker", "postgres:18", "healthy", 31, 1840, 4096],
  ["shop-queue", "docker", "redis:8.2", null, 2, 312, null],
  ["importer", "docker", "shop/importer:412", "unhealthy", 88, 498, 512],
  ["build-debian", "nspawn", null, null, 0, 44, null],
];

export function containersOf(t) {
  return ROWS.map(([name, runtime, image, health, cpu, memory, limit], n) => {
    const traffic = round(cpu * 9000 * (1 + Math.sin(t / (5 + n)) / 3), 0);
    return {
      id: image === null ? name : `4f5a6b7c8d${n}e`,
      name,
      runtime,
      pod: null,
      unit: image === null ? `systemd-nspawn@${name}.service` : `docker-4f5a6b7c8d${n}e.scope`,
      image,
      health,
      restarts: n === 3 ? 4 : 0,
      labels: image === null ? [] : [{ name: "com.docker.compose.project", value: "shop" }],
      cpu_percent: round(cpu * (1 + Math.sin(t / (7 + n)) / 4), 1),
      cpu_limit_cores: n === 3 ? 1 : null,
      cpu_limit_used_percent: n === 3 ? cpu : null,
      cpu_throttled_percent: n === 3 ? 12 : null,
      memory_working_set_bytes: memory * MIB,
      memory_limit_bytes: limit === null ? null : limit * MIB,
      memory_percent: limit === null ? null : round((memory / limit) * 100),
      pids: 5 + n * 3,
      pids_limit: null,
      read_bytes_per_second: round(cpu * 4000, 0),
      write_bytes_per_second: round(cpu * 2500, 0),
      cpu_stall_percent: round(cpu / 20),
      memory_stall_percent: 0,
      io_stall_percent: 0.2,
      rx_bytes_per_second: traffic,
      tx_bytes_per_second: traffic * 2,
      age_seconds: 0,
    };
  });
}
