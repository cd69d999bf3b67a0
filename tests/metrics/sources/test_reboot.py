"""Whether a reboot is required: the flag of the distribution, and newer kernels."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sources.reboot import Reboot, is_newer
from tests.metrics.trees import Tree


@pytest.mark.parametrize(
    ("release", "running", "expected"),
    [
        ("6.1.0-30-amd64", "6.1.0-28-amd64", True),
        ("6.1.0-28-amd64", "6.1.0-30-amd64", False),
        ("6.1.0-9-amd64", "6.1.0-28-amd64", False),
        ("6.1.0-28-amd64", "6.1.0-28-amd64", False),
        ("6.11.0-19-generic", "6.8.0-45-generic", True),
        ("6.10.3-100.fc40.x86_64", "6.9.7-200.fc40.x86_64", True),
        ("6.10.1-arch1-1", "6.9.7-arch1-1", True),
        # Other kinds of kernels: they are installed beside the running one.
        ("6.12.0-rt", "6.1.0-28-amd64", False),
        ("6.6.31+rpt-rpi-v8", "6.6.20+rpt-rpi-2712", False),
        ("6.6.31+rpt-rpi-2712", "6.6.20+rpt-rpi-2712", True),
        ("6.6.51+rpt-rpi-v8", "6.6.51+rpt-rpi-v7", False),
        ("6.6.51+rpt-rpi-v8", "6.6.31+rpt-rpi-v7", False),
        ("6.6.51+rpt-rpi-v7", "6.6.31+rpt-rpi-v7", True),
        ("6.1.21-v8+", "6.1.21-v7+", False),
        ("6.1.21-v7+", "6.1.19-v7+", True),
        ("6.8.0-rc5", "6.8.0-rc4", True),
        ("6.6.30-gentoo-r2", "6.6.30-gentoo-r1", True),
        ("backup", "6.1.0-28-amd64", False),
        ("", "6.1.0-28-amd64", False),
    ],
)
def test_newer_releases_of_the_same_kind(release: str, running: str, expected: bool) -> None:
    """By their numbers."""
    assert is_newer(release, running) is expected


@given(st.text(max_size=30))
def test_no_release_is_newer_than_itself(release: str) -> None:
    """Whatever it is named."""
    assert not is_newer(release, release)


def test_a_newer_kernel_requires_a_reboot(tree: Tree) -> None:
    """As soon as its files are there: a package makes the directory first. Without modules, nothing is known."""
    root = f"{tree.proc}/root"
    reboot = Reboot(root, "6.1.0-28-amd64")
    assert reboot.maybe_required() is None
    tree.put("proc/root/lib/modules/6.1.0-28-amd64/modules.builtin", "")
    tree.put("proc/root/lib/modules/6.1.0-20-amd64/modules.builtin", "")
    assert reboot.maybe_required() is False
    os.mkdir(f"{root}/lib/modules/6.1.0-30-amd64")
    assert reboot.maybe_required() is False
    tree.put("proc/root/lib/modules/6.1.0-30-amd64/modules.builtin", "")
    assert reboot.maybe_required() is True


@pytest.mark.parametrize("flag", ["run/reboot-required", "var/run/reboot-required"])
def test_the_flag_of_the_distribution_requires_a_reboot(tree: Tree, flag: str) -> None:
    """Until it is removed."""
    reboot = Reboot(f"{tree.proc}/root", "6.1.0-28-amd64")
    tree.put(f"proc/root/{flag}", "*** System restart required ***\n")
    assert reboot.maybe_required() is True
    os.unlink(f"{tree.proc}/root/{flag}")
    assert reboot.maybe_required() is None
