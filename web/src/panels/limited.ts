/** Whether a container's or service's limits have a panel. */
import type { Sections } from "../protocol/sections";

/** Every process is in some cgroup; only one with a limit has something to say. */
export function isLimited(cgroup: NonNullable<Sections["cgroup"]>): boolean {
  return cgroup.memory_limit_bytes !== null || cgroup.cpu_limit_cores !== null;
}
