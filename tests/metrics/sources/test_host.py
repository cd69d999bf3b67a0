"""Who the host is, and since when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.files import Files, ParseError
from telemetry_stream.metrics.sources import host
from telemetry_stream.metrics.sources.host import (
    HostInfo,
    System,
    SystemSource,
    host_id,
    read_host_info,
)
from tests.metrics.trees import Tree, odd


def test_the_section(tree: Tree) -> None:
    """Uptime with suspend in it, the boot time as the kernel says, the boot id, and what was slept."""
    tree.put("proc/uptime", "9512.31 18820.30\n")
    tree.put("proc/stat", "cpu0 1 1 1 1\nbtime 1763969000\n")
    tree.put("proc/sys/kernel/random/boot_id", "aebd3fb1-6179-4e80-a159-1b73c6941ec9\n")
    source = SystemSource(tree.files)
    assert source.collect(tree.tick(slept=2.0)) == System(
        9512.31, 1763969000, "aebd3fb1-6179-4e80-a159-1b73c6941ec9", 2.0, "host"
    )


MOUNT = "27 1 254:0 / / rw - ext4 /dev/vda rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "namespace", "view"),
    [
        (MOUNT, "pid:[4026531836]", "host"),
        (MOUNT, "pid:[4026532201]", "container"),
        (MOUNT, None, "host"),
        ("", None, "host"),
        ("9 1 0:50 / / rw - overlay overlay rw\n", "pid:[4026531836]", "container"),
        (
            MOUNT + "30 27 0:60 / /proc/meminfo rw - fuse.lxcfs lxcfs rw\n",
            "pid:[4026532201]",
            "lxcfs",
        ),
    ],
)
def test_whose_numbers_these_are(
    tree: Tree, mountinfo: str, namespace: str | None, view: str
) -> None:
    """In a container most of /proc is the host's; with lxcfs memory is not. The section says which it is."""
    tree.put("proc/uptime", "1.0 1.0\n")
    tree.put("proc/self/mountinfo", mountinfo)
    if namespace is not None:
        tree.link("proc/1/ns/pid", namespace)
    assert SystemSource(tree.files).collect(tree.tick()).view == view


def test_a_captured_host_names_itself(tree: Tree) -> None:
    """Everything is read below proc_root, even the machine-id, of which only a keyed hash leaves."""
    tree.put("proc/sys/kernel/hostname", "board-7\n")
    tree.put("proc/sys/kernel/osrelease", "5.4.0-board\n")
    tree.put(
        "proc/cpuinfo",
        "processor\t: 0\nmodel name\t: Some CPU @ 1 GHz\n\nprocessor\t: 1\nmodel name\t: Some CPU @ 1 GHz\n",
    )
    tree.put("proc/stat", "cpu0 1 1 1 1\ncpu1 1 1 1 1\n")
    tree.put("proc/1/root/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    tree.put("proc/1/root/etc/os-release", 'NAME=X\nPRETTY_NAME="Some Linux 12 (name)"\n')
    info = read_host_info(tree.files)
    assert info == HostInfo(
        info.id, "board-7", "5.4.0-board", "Some CPU @ 1 GHz", 2, "Some Linux 12 (name)"
    )
    assert info.id == host_id(b"0123456789abcdef0123456789abcdef", "other name")
    assert "0123456789abcdef" not in info.id


def test_without_a_machine_id_the_name_is_the_identity(tree: Tree) -> None:
    """Stable, and different for another name."""
    tree.put("proc/sys/kernel/hostname", "board-7\n")
    assert read_host_info(tree.files).id == host_id(None, "board-7") == host_id(b" \n", "board-7")
    assert host_id(None, "board-7") != host_id(None, "board-8")


def test_an_empty_tree_still_has_a_host(tree: Tree) -> None:
    """Without any of the files we name ourselves as the system does."""
    info = read_host_info(Files(tree.proc, tree.sys, tree.clock))
    assert info.name
    assert info.kernel
    assert info.cpu_model is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"model name : AMD EPYC\nModel : x\n", "AMD EPYC"),
        (b"Hardware : BCM2835\nModel : Raspberry Pi 4\n", "BCM2835"),
        (b"uarch : sifive,u74-mc\n", "sifive,u74-mc"),
        (b"CPU part : 0xd0c\n", None),
        (b"", None),
    ],
)
def test_cpu_models(content: bytes, expected: str | None) -> None:
    """Each architecture names its model in its own way; arm64 does not."""
    assert host.parse_cpu_model(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', "Debian GNU/Linux 12 (bookworm)"),
        (b"PRETTY_NAME=Alpine\n", "Alpine"),
        (b"NAME=x\n", None),
        (b"", None),
    ],
)
def test_os_release(content: bytes, expected: str | None) -> None:
    """Quoted as a shell would, or not at all."""
    assert host.parse_os_release(content) == expected


@given(odd(b'NAME=x\nPRETTY_NAME="Some Linux"\n'))
def test_any_os_release(content: bytes) -> None:
    """Any bytes give a name, None or the one parse error."""
    try:
        name = host.parse_os_release(content)
    except ParseError:
        return
    assert name is None or name == name.strip() != ""


@pytest.mark.parametrize("content", [b"", b"abc", b"nan 1", b"inf 1", b"-5 1"])
def test_an_uptime_that_makes_no_sense(content: bytes) -> None:
    """No time is no uptime."""
    with pytest.raises(ParseError):
        host.parse_uptime(content)


@given(odd(b"9512.31 18820.30\n"))
def test_any_uptime(content: bytes) -> None:
    """Any bytes give seconds or the one parse error."""
    try:
        assert host.parse_uptime(content) >= 0
    except ParseError:
        pass


@given(st.binary())
def test_any_text(content: bytes) -> None:
    """Names are decoded, whatever they are."""
    assert isinstance(host.parse_text(content), str)
    assert isinstance(host.parse_cpu_model(content), str | None)
