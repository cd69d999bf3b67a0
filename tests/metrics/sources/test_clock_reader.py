"""Reading of frequencies, limits, throttle counters, types of cores and the firmware of a Raspberry Pi."""

from __future__ import annotations

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources.clock_reader import (
    Board,
    ClockReader,
    maybe_mhz,
    parse_throttled,
)
from tests.metrics.trees import Tree, odd, opened_below

CPUS = "sys/devices/system/cpu"
FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


def core(tree: Tree, number: int, **files: object) -> None:
    """Make the files of one core, or change them. ``__`` stands for a slash."""
    for name, content in files.items():
        tree.put(f"{CPUS}/cpu{number}/{name.replace('__', '/')}", f"{content}\n")


def policy(tree: Tree, number: int, cores: range, khz: object, governor: str = "schedutil") -> None:
    """Make a policy that some cores share."""
    files = {
        "scaling_cur_freq": khz,
        "scaling_max_freq": 2400000,
        "cpuinfo_max_freq": 3000000,
        "scaling_governor": governor,
    }
    for name, content in files.items():
        tree.put(f"{CPUS}/cpufreq/policy{number}/{name}", f"{content}\n")
    for each in cores:
        tree.put(f"{CPUS}/cpu{each}/uevent", "")
        tree.link(f"{CPUS}/cpu{each}/cpufreq", f"../cpufreq/policy{number}")


def test_cores_share_the_reading_of_their_policy(tree: Tree) -> None:
    """One slow call for four cores."""
    policy(tree, 0, range(4), 1500000)
    with opened_below(tree.sys) as opened:
        scan = ClockReader(tree.files).read(None)
    assert scan.mhz == dict.fromkeys(range(4), 1500.0)
    assert len([path for path in opened if path.endswith("scaling_cur_freq")]) == 1
    facts = scan.facts[3]
    assert (facts.max_mhz, facts.hardware_max_mhz, facts.governor) == (2400.0, 3000.0, "schedutil")


def test_limits_are_read_every_10_seconds_and_frequencies_each_time(tree: Tree) -> None:
    """A governor hardly ever changes."""
    policy(tree, 0, range(1), 1500000)
    reader = ClockReader(tree.files)
    reader.read(None)
    tree.put(f"{CPUS}/cpufreq/policy0/scaling_cur_freq", "900000")
    tree.put(f"{CPUS}/cpufreq/policy0/scaling_max_freq", "1000000")
    tree.advance(9.0)
    scan = reader.read(None)
    assert (scan.mhz[0], scan.facts[0].max_mhz) == (900.0, 2400.0)
    tree.advance(1.0)
    assert reader.read(None).facts[0].max_mhz == 1000.0


def test_an_offline_core_is_left_out(tree: Tree) -> None:
    """Other directories beside the cores are no cores."""
    for number in range(3):
        core(tree, number, online="0" if number == 1 else "1", cpufreq__scaling_cur_freq=1000000)
    tree.put(f"{CPUS}/cpuidle/current_driver", "none")
    assert list(ClockReader(tree.files).read(None).mhz) == [0, 2]


def test_throttle_counters_of_cores_and_packages(tree: Tree) -> None:
    """Two packages with two cores each."""
    for number in range(4):
        core(
            tree,
            number,
            thermal_throttle__core_throttle_count=number,
            thermal_throttle__package_throttle_count=10 + number // 2,
            topology__physical_package_id=number // 2,
        )
    scan = ClockReader(tree.files).read(None)
    assert scan.throttles == {0: 0, 1: 1, 2: 2, 3: 3}
    assert scan.package_throttles == {0: 10, 1: 11}
    assert scan.mhz == dict.fromkeys(range(4))


def test_the_types_of_intels_hybrid_cores(tree: Tree) -> None:
    """Each type has a performance counter unit with a list of its cores."""
    for number in range(4):
        core(tree, number, cpufreq__scaling_cur_freq=1000000)
    tree.put("sys/devices/cpu_core/cpus", "0-1\n")
    tree.put("sys/devices/cpu_atom/cpus", "2-3\n")
    types = [facts.type for facts in ClockReader(tree.files).read(None).facts.values()]
    assert types == ["performance", "performance", "efficiency", "efficiency"]


@pytest.mark.parametrize(
    ("capacities", "expected"),
    [
        ((446, 446, 1024), ["efficiency", "efficiency", "performance"]),
        ((300, 900, 1024), ["efficiency", "performance", "performance"]),
        ((1024, 1024, 1024), [None, None, None]),
        (("x", "", 1024), [None, None, None]),
    ],
)
def test_the_types_of_arm_cores(
    tree: Tree, capacities: tuple[object, ...], expected: list[str | None]
) -> None:
    """The cores of the lowest capacity are the efficient ones. Cores of equal capacity have no type."""
    for number, capacity in enumerate(capacities):
        core(tree, number, cpufreq__scaling_cur_freq=1000000, cpu_capacity=capacity)
    assert [facts.type for facts in ClockReader(tree.files).read(None).facts.values()] == expected


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (FIRMWARE, "0\n", Board(*[False] * 8)),
        (FIRMWARE, "50005\n", Board(True, False, True, False, True, False, True, False)),
        (FIRMWARE, "0xe0008\n", Board(False, False, False, True, False, True, True, True)),
        # A Raspberry Pi 5.
        (FIRMWARE.replace("soc", "soc@107c000000"), "1", Board(True, *[False] * 7)),
        (FIRMWARE, "junk", None),
        (FIRMWARE, "-1", None),
        (FIRMWARE, "f" * 40, None),
    ],
)
def test_the_firmware_of_a_raspberry_pi(
    tree: Tree, path: str, content: str, expected: Board | None
) -> None:
    """Bits 0 to 3 are now, bits 16 to 19 are what it remembers."""
    tree.put(path, content)
    assert ClockReader(tree.files).read(None).board == expected


@pytest.mark.parametrize(
    ("alarm", "expected"), [("1", Board(True)), ("0", Board(False)), ("", None), ("2", None)]
)
def test_the_alarm_of_the_driver_rpi_volt(tree: Tree, alarm: str, expected: Board | None) -> None:
    """The kernel without the patches of Raspberry Pi OS has only this."""
    tree.put("sys/class/hwmon/hwmon0/name", "coretemp\n")
    tree.put("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    tree.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", f"{alarm}\n")
    assert ClockReader(tree.files).read(None).board == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"1500000\n", 1500.0),
        (b"<unknown>\n", None),
        (b"0\n", None),
        (b"999999999999\n", None),
        (b"", None),
        (None, None),
    ],
)
def test_frequencies(content: bytes | None, expected: float | None) -> None:
    """kHz become MHz."""
    assert maybe_mhz(content) == expected


@given(odd(b"50005\n", b"1500000"))
def test_any_content_is_harmless(content: bytes) -> None:
    """It is a number that can be, or unknown."""
    parse_throttled(content)
    mhz = maybe_mhz(content)
    assert mhz is None or 0 < mhz <= 100_000
