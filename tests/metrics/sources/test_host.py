"""The identity of the host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.files import Files, ParseError
from telemetry_stream.metrics.sources import host
from telemetry_stream.metrics.sources.host import HostInfo, host_id, read_host_info
from tests.metrics.trees import Tree, odd


def test_a_captured_host_has_its_own_identity(tree: Tree) -> None:
    """Everything is read below proc_root. Of the machine-id, only a keyed hash is used."""
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


def test_without_a_machine_id_the_id_comes_from_the_name(tree: Tree) -> None:
    """It is stable, and differs for another name."""
    tree.put("proc/sys/kernel/hostname", "board-7\n")
    assert read_host_info(tree.files).id == host_id(None, "board-7") == host_id(b" \n", "board-7")
    assert host_id(None, "board-7") != host_id(None, "board-8")


def test_an_empty_tree_has_the_name_and_kernel_of_the_system(tree: Tree) -> None:
    """Fields without a substitute are null."""
    info = read_host_info(Files(tree.proc, tree.sys, tree.clock))
    assert info.name
    assert info.kernel
    assert info.cpu_model is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"model name : AMD EPYC\nModel : x\n", "AMD EPYC"),
        (b"Hardware : BCM2835\nModel : Raspberry Pi 4\n", "Raspberry Pi 4"),
        # arch/arm/kernel/setup.c: a board without a device tree has Hardware only, and Model comes first with one.
        (
            b"Hardware : Generic AM33XX (Flattened Device Tree)\n",
            "Generic AM33XX (Flattened Device Tree)",
        ),
        (b"Model : Raspberry Pi 3\nHardware : BCM2835\n", "Raspberry Pi 3"),
        (b"uarch : sifive,u74-mc\n", "sifive,u74-mc"),
        (b"CPU part : 0xd0c\n", None),
        (b"", None),
    ],
)
def test_cpu_models(content: bytes, expected: str | None) -> None:
    """Each architecture has its own key. arm64 has none."""
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
    """The name is quoted as in a shell, or not at all."""
    assert host.parse_os_release(content) == expected


@given(odd(b'NAME=x\nPRETTY_NAME="Some Linux"\n'))
def test_any_os_release_is_parsed_or_a_parse_error(content: bytes) -> None:
    """A name is not empty."""
    try:
        name = host.parse_os_release(content)
    except ParseError:
        return
    assert name is None or name == name.strip() != ""


@given(st.binary())
def test_any_model_is_decoded(content: bytes) -> None:
    """It may contain any bytes."""
    assert isinstance(host.parse_cpu_model(content), str | None)
