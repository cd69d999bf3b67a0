import { expect, it } from "vitest";

import { groupOf, groupsOf, isInGroup } from "../../src/overview/groups";

const host = (site: string, ...tags: string[]) => ({ site, tags });

it("are the sites and then the tags by name, with their hosts", () => {
  const hosts = [host("west", "db"), host("east", "web", "db"), host("", "web", "web"), host("")];
  expect(groupsOf(hosts).map(({ key, hosts: count }) => `${key} ${count}`)).toEqual([
    "site:east 1",
    "site:west 1",
    "tag:db 2",
    "tag:web 2",
  ]);
  expect(groupsOf([host("")])).toEqual([]);
});

it("contain the hosts of the site or with the tag, and no others", () => {
  expect(isInGroup(host("east", "db"), "site:east")).toBe(true);
  expect(isInGroup(host("east", "db"), "tag:db")).toBe(true);
  expect(isInGroup(host("east", "db"), "tag:east")).toBe(false);
  expect(isInGroup(host("east", "db"), "site:e")).toBe(false);
});

it("are at most 200, the largest ones, however many tags the hosts send", () => {
  const hosts = Array.from({ length: 999 }, (_, at) => host("east", `tag ${at}`));
  const groups = groupsOf(hosts);
  expect(groups).toHaveLength(200);
  expect(groups[0]).toEqual({ key: "site:east", kind: "site", name: "east", hosts: 999 });
});

it("have a name that may contain a colon", () => {
  expect(groupOf("tag:a:b", 0)).toEqual({ key: "tag:a:b", kind: "tag", name: "a:b", hosts: 0 });
});
