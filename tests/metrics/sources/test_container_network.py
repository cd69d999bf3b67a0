"""The network of a container, found through its processes."""

from __future__ import annotations

import os

import pytest

from telemetry_stream.metrics.sources import container_files, container_network
from telemetry_stream.metrics.sources.container_network import Networks
from tests.metrics.sources.test_container_files import GROUP
from tests.metrics.trees import Tree

NET_DEV = (
    "Inter-|   Receive  |  Transmit\n face |bytes\n"
    "    lo: 500 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n"
    "  eth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n"
    "  eth1: 30 1 0 0 0 0 0 0 40 1 0 0 0 0 0 0\n"
)
TRAFFIC = {"eth0": (1000, 2000), "eth1": (30, 40)}


def put_process(tree: Tree, pid: int, group: str) -> None:
    """Put a process with a network of its own into a group. That of the host is process 1's."""
    tree.put("proc/1/net/dev", NET_DEV)
    tree.put(f"sys/fs/cgroup{group}/cgroup.procs", f"{pid}\n999\n")
    tree.put(f"proc/{pid}/net/dev", NET_DEV)


def networks(tree: Tree) -> Networks:
    """Return the networks of version 2."""
    return Networks(tree.proc, f"{tree.sys}/fs/cgroup")


def test_the_network_of_the_first_process(tree: Tree) -> None:
    """Each of its interfaces, without loopback."""
    put_process(tree, 50, GROUP)
    assert networks(tree).maybe_traffic(GROUP) == TRAFFIC


def test_the_processes_may_be_in_groups_below(tree: Tree) -> None:
    """As with systemd in the container."""
    tree.put(f"sys/fs/cgroup{GROUP}/cgroup.procs", "")
    tree.put(f"sys/fs/cgroup{GROUP}/a/cgroup.procs", "")
    put_process(tree, 50, f"{GROUP}/init.scope")
    assert networks(tree).maybe_traffic(GROUP) == TRAFFIC


@pytest.mark.parametrize("at", ["{}", "0/{}", "0/0/{}"])
def test_the_groups_below_are_limited(tree: Tree, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """In all, at any depth: a container can make thousands of empty groups."""
    for number in range(container_network.MAX_GROUPS * 3):
        tree.put(f"sys/fs/cgroup{GROUP}/{at.format(number)}/cgroup.procs", "")
    read: list[str] = []
    real = container_files.maybe_read

    def noted(path: str) -> bytes | None:
        read.append(path)
        return real(path)

    monkeypatch.setattr(container_network, "maybe_read", noted)
    assert networks(tree).maybe_traffic(GROUP) is None
    assert len(read) == container_network.MAX_GROUPS + 1


def test_the_bytes_of_the_interfaces_are_limited(tree: Tree) -> None:
    """A container can make any number of interfaces. What is left of the file would be too little."""
    lines = [f"v{number:014}: {' '.join(['1'] * 16)}\n" for number in range(2000)]
    put_process(tree, 50, GROUP)
    tree.put("proc/50/net/dev", NET_DEV + "".join(lines[:1000]))
    assert len(networks(tree).maybe_traffic(GROUP) or ()) == 1002
    tree.put("proc/50/net/dev", NET_DEV + "".join(lines))
    assert networks(tree).maybe_traffic(GROUP) is None


def test_the_network_of_the_host_is_not_that_of_the_container(tree: Tree) -> None:
    """The kernel has one file for each namespace, whichever process it is opened through."""
    put_process(tree, 50, GROUP)
    tree.remove("proc/1/net/dev")
    os.link(f"{tree.proc}/50/net/dev", f"{tree.proc}/1/net/dev")
    assert networks(tree).maybe_traffic(GROUP) is None


def test_the_network_is_unknown_if_that_of_the_host_is_hidden(tree: Tree) -> None:
    """The container may use the host's. With hidepid=2, /proc/1 does not exist for other users."""
    put_process(tree, 50, GROUP)
    tree.remove("proc/1/net/dev")
    assert networks(tree).maybe_traffic(GROUP) is None


@pytest.mark.parametrize(
    "procs", ["", "0\n", "51\n", "-1\n", "garbage\n", "99999999999999999999999\n"]
)
def test_without_a_process_the_network_is_unknown(tree: Tree, procs: str) -> None:
    """None is there, it is in another pid namespace (0), has just ended, or the file is invalid."""
    put_process(tree, 50, "/other")
    tree.put(f"sys/fs/cgroup{GROUP}/cgroup.procs", procs)
    assert networks(tree).maybe_traffic(GROUP) is None


@pytest.mark.parametrize("content", ["", "eth0: 1 2\n", NET_DEV.splitlines()[2] + "\n"])
def test_a_network_without_interfaces_is_unknown(tree: Tree, content: str) -> None:
    """An empty or invalid file, and only loopback."""
    put_process(tree, 50, GROUP)
    tree.put("proc/50/net/dev", content)
    assert networks(tree).maybe_traffic(GROUP) is None
