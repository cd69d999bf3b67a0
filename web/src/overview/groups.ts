/** The groups of hosts that a viewer can choose: those of one site, or with one tag. Pure. */
import type { HostName } from "./frames";

export interface Group {
  /** As in the address: `site:east`, `tag:db`. */
  readonly key: string;
  readonly kind: "site" | "tag";
  readonly name: string;
  readonly hosts: number;
}

/** A menu with more is no help, and names come from the hosts. The largest groups are kept. */
const MAX_GROUPS = 200;

export function isInGroup({ site, tags }: Pick<HostName, "site" | "tags">, key: string): boolean {
  return key === `site:${site}` || tags.some((tag) => key === `tag:${tag}`);
}

/** Return the sites and then the tags, each by name. */
export function groupsOf(hosts: readonly Pick<HostName, "site" | "tags">[]): readonly Group[] {
  const counts = new Map<string, number>();
  const add = (key: string): void => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (const { site, tags } of hosts) {
    if (site !== "") add(`site:${site}`);
    for (const tag of new Set(tags)) add(`tag:${tag}`);
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, MAX_GROUPS)
    .map(([key, count]) => groupOf(key, count))
    .sort((one, other) => (one.key < other.key ? -1 : 1));
}

/** Return the group with this key, also if no host is in it any more. */
export function groupOf(key: string, hosts: number): Group {
  const kind = key.startsWith("site:") ? "site" : "tag";
  return { key, kind, name: key.slice(kind.length + 1), hosts };
}
