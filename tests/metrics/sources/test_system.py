"""The section system."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.metrics.sources.reboot import Reboot
from telemetry_stream.metrics.sources.system import (
    LOGINS_SECONDS,
    MAX_USERS,
    System,
    SystemSource,
    parse_uptime,
    shown_users,
)
from tests.conftest import eventually
from tests.metrics.sources.test_logins import SESSION
from tests.metrics.trees import Tree, odd


def collected(tree: Tree, seconds: float = 1.0, slept: float = 0.0) -> System:
    """Return the first section of a source."""
    source = SystemSource(tree.files, timeout_seconds=10.0)
    try:
        return source.collect(tree.tick(seconds, slept=slept))
    finally:
        source.close()


def test_every_field(tree: Tree) -> None:
    """Uptime includes suspend. The boot time is the kernel's."""
    tree.put("proc/uptime", "9512.31 18820.30\n")
    tree.put("proc/stat", "cpu0 1 1 1 1\nbtime 1763990490\n")
    tree.put("proc/sys/kernel/random/boot_id", "aebd3fb1-6179-4e80-a159-1b73c6941ec9\n")
    assert collected(tree, slept=2.0) == System(
        9512.31, 1763990490, "aebd3fb1-6179-4e80-a159-1b73c6941ec9", 2.0, "host"
    )


def test_without_proc_stat_the_boot_time_is_null(tree: Tree) -> None:
    """And without the file of the boot id, so is that."""
    tree.put("proc/uptime", "1.0 1.0\n")
    assert collected(tree) == System(1.0, None, None, 0.0, "host")


MOUNT = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "namespace", "view"),
    [
        (MOUNT, "pid:[4026531836]", "host"),
        (MOUNT, "pid:[4026532201]", "container"),
        (MOUNT, None, "host"),
        ("", None, "host"),
        # Fedora Atomic (composefs), OpenWrt (overlayfs), live systems: the root does not make a container.
        ("9 1 0:50 / / rw - overlay overlay rw\n", "pid:[4026531836]", "host"),
        ("9 1 0:50 / / rw - overlay overlayfs:/overlay rw\n", None, "host"),
        ("9 1 0:50 / / rw - overlay overlay rw\n", "pid:[4026532201]", "container"),
        (
            MOUNT + "30 27 0:60 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n",
            "pid:[4026532201]",
            "lxcfs",
        ),
    ],
)
def test_the_view_is_host_container_or_lxcfs(
    tree: Tree, mountinfo: str, namespace: str | None, view: str
) -> None:
    """In a container, most of /proc is the host's. With lxcfs, memory is not."""
    tree.put("proc/uptime", "1.0 1.0\n")
    tree.put("proc/self/mountinfo", mountinfo)
    if namespace is not None:
        tree.link("proc/1/ns/pid", namespace)
    assert collected(tree).view == view


def test_the_thread_that_makes_the_kernel_s_threads_is_on_the_host_only(tree: Tree) -> None:
    """Only root may read the namespace of process 1. In another host's /proc, "self" is in our own namespace.

    kernel/pid_namespace.c: kthreadd (init/main.c, rest_init) has pid 2 in the first namespace.
    """
    tree.put("proc/uptime", "1.0 1.0\n")
    tree.link("proc/self/ns/pid", "pid:[4026532201]")
    assert collected(tree).view == "container"
    tree.put("proc/2/stat", "2 (kthreadd) S 0 0 0 0\n")
    assert collected(tree).view == "host"


@pytest.mark.parametrize(
    ("uptime", "boot_time", "expected"),
    [
        ("1000.00", 1763999000, 1763999000),
        # lxcfs: the uptime is that of the container, btime that of the host, and the other way round.
        ("46.00", 1762790400, None),
        ("900000.00", 1763999000, None),
        ("1000.00", 1764000600, None),  # in the future
    ],
)
def test_a_boot_time_agrees_with_the_uptime(
    tree: Tree, uptime: str, boot_time: int, expected: int | None
) -> None:
    """get_boot_time in fs/proc/stat.c is the system time less the uptime. The uptime is known in any case."""
    tree.put("proc/uptime", f"{uptime} 1.0\n")
    tree.put("proc/stat", f"cpu0 1 1 1 1\nbtime {boot_time}\n")
    system = collected(tree, 0.0)
    assert (system.uptime_seconds, system.boot_time_unix) == (float(uptime), expected)


def test_without_an_uptime_the_rest_is_known(tree: Tree) -> None:
    """A sandbox may have no /proc/uptime."""
    tree.put("proc/stat", "cpu0 1 1 1 1\nbtime 1763999000\n")
    tree.put("proc/sys/kernel/random/boot_id", "abc\n")
    assert collected(tree) == System(None, 1763999000, "abc", 0.0, "host")


@pytest.mark.parametrize("content", [b"", b"abc", b"nan 1", b"inf 1", b"-5 1"])
def test_an_invalid_uptime_is_a_parse_error(content: bytes) -> None:
    """No number, or one that is not a time."""
    with pytest.raises(ParseError):
        parse_uptime(content)


@given(odd(b"9512.31 18820.30\n"))
def test_any_uptime_is_parsed_or_a_parse_error(content: bytes) -> None:
    """Seconds are not negative."""
    try:
        assert parse_uptime(content) >= 0
    except ParseError:
        pass


def test_sessions_and_a_required_reboot_are_looked_for_rarely(tree: Tree) -> None:
    """Below the root of the host that proc_root shows."""
    tree.put("proc/uptime", "1.0 1.0\n")
    source = SystemSource(tree.files, timeout_seconds=10.0)
    first = source.collect(tree.tick())
    assert (first.sessions, first.session_users, first.reboot_required) == (None, None, None)
    tree.put("proc/1/root/run/systemd/sessions/3", SESSION.format("ada", "active", "user"))
    tree.put("proc/1/root/run/reboot-required", "")
    assert source.collect(tree.tick(LOGINS_SECONDS / 2)).sessions is None
    last = source.collect(tree.tick(LOGINS_SECONDS / 2))
    assert (last.sessions, last.session_users, last.reboot_required) == (1, "ada", True)
    source.close()


def test_a_disk_that_hangs_delays_no_tick(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """/lib/modules may be on one. Whether a reboot is required is unknown until it answers."""
    tree.put("proc/uptime", "1.0 1.0\n")
    answered = threading.Event()
    monkeypatch.setattr(Reboot, "maybe_required", lambda _: answered.wait(30.0))
    source = SystemSource(tree.files)
    assert [source.collect(tree.tick()).reboot_required for _ in range(3)] == [None] * 3
    answered.set()
    assert eventually(lambda: source.collect(tree.tick(0.0)).reboot_required is True)
    source.close()


def test_a_mistake_on_the_worker_fails_the_section(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each tick until the next reading succeeds, so that the sample has the reason."""
    tree.put("proc/uptime", "1.0 1.0\n")
    source = SystemSource(tree.files, timeout_seconds=10.0)
    with monkeypatch.context() as patch:
        patch.setattr(Reboot, "maybe_required", lambda _: 1 // 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                source.collect(tree.tick())
    assert source.collect(tree.tick(LOGINS_SECONDS)).uptime_seconds == 1.0
    source.close()


def test_a_container_does_not_show_whether_a_reboot_is_required(tree: Tree) -> None:
    """The files of its image are not those of the host."""
    tree.put("proc/uptime", "1.0 1.0\n")
    tree.link("proc/1/ns/pid", "pid:[4026532201]")
    tree.put("proc/1/root/run/reboot-required", "")
    assert collected(tree).reboot_required is None


def test_users_are_shown_once_and_bounded() -> None:
    """In the order of their names."""
    assert shown_users(["bob", "ada", "bob"]) == "ada bob"
    assert shown_users([]) is None
    many = shown_users([f"u{n}" for n in range(20)])
    assert many is not None
    assert len(many.split()) == MAX_USERS + 1
    assert many.endswith(" …")
