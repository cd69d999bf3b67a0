"""What the collector makes of sources that are absent, fail or go stale: each loses only its own section."""

from __future__ import annotations

import logging
import threading
from typing import cast

import pytest

from telemetry_stream.metrics.sample import SourceState
from telemetry_stream.metrics.source import Now, Stale
from telemetry_stream.metrics.sources.network import Interface
from telemetry_stream.metrics.sources.tcp import Sockets
from tests.metrics.extra import ExtraSource
from tests.metrics.trees import Tree


def test_a_section_whose_file_does_not_exist_is_absent(tree: Tree) -> None:
    """An empty tree has no sections. The state of each source names the missing file."""
    collector = tree.collector()
    sample = collector.collect()
    assert sample.sections == {}
    assert sample.sources.keys() == set(collector.default_sections) - {"gpus"}  # which nobody wants
    assert sample.uptime_seconds is None
    assert {state.state for state in sample.sources.values()} == {"absent"}
    assert sample.sources["load"].reason == f"{tree.proc}/loadavg: No such file or directory"


def test_an_invalid_file_loses_only_its_section(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """The state is failed, with path and reason. The log has one line, and not one per tick."""
    tree.put("proc/loadavg", "gibberish\n")
    tree.put("proc/net/sockstat", "sockets: used 5\n")
    collector = tree.collector()
    with caplog.at_level(logging.ERROR):
        sample = collector.collect()
        for _ in range(2):
            tree.advance(1.0)
            assert collector.collect().sources["load"] == sample.sources["load"]
    assert "load" not in sample.sections
    state = sample.sources["load"]
    assert state.state == "failed"
    assert state.reason is not None
    assert state.reason.startswith(f"{tree.proc}/loadavg: ")
    assert sample.sections["sockets"] == Sockets(5)
    assert [record.message for record in caplog.records] == [
        f"Source load: failed ({state.reason})"
    ]
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    assert collector.collect().sources["load"].state == "ok"


def test_a_failure_is_logged_when_it_begins_and_when_it_ends(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """Each source has at most one line a minute, also a flapping source with another reason in every tick."""
    caplog.set_level(logging.INFO)
    broken = False

    def collect(now: Now) -> object:
        if broken:
            raise RuntimeError(f"tick {now.tick}")
        return {"value": 1}

    def logged() -> list[str]:
        lines = [record.message for record in caplog.records if "mine" in record.message]
        caplog.clear()
        return lines

    def tick(seconds: float = 1.0) -> None:
        tree.advance(seconds)
        collector.collect()

    collector = tree.collector(extra_sources=[ExtraSource("mine", collect)])
    tick()
    assert logged() == []
    broken = True
    tick()
    assert logged() == ["Source mine: failed (RuntimeError: tick 2)"]
    for turn in range(50):
        broken = turn % 2 == 0
        tick()
    assert logged() == []
    broken = False
    tick(60.0)
    assert logged() == ["Source mine: ok"]
    broken = True
    tick()
    assert logged() == []  # within the minute
    tick(60.0)
    assert logged() == ["Source mine: failed (RuntimeError: tick 55)"]
    broken = False
    tick(61.0)
    assert logged() == ["Source mine: ok"]
    tick(61.0)
    broken = True
    tick()
    assert logged() == ["Source mine: failed (RuntimeError: tick 58)"]


def test_a_system_out_of_threads_loses_only_what_needs_a_worker(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are read as always: only the frequencies of the cores are missing, and the speed of the interface."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    tree.put("proc/stat", "cpu  1 0 0 9\ncpu0 1 0 0 9\n")
    tree.put("proc/net/dev", "a\nb\n  eth0: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\n")
    tree.put("sys/class/net/eth0/device/vendor", "0x1af4\n")
    collector = tree.collector()
    monkeypatch.setattr(threading.Thread, "start", refuse)  # as when clone(2) fails
    sample = collector.collect({"cpu", "interfaces"})
    assert sample.sources["cpu"].state == sample.sources["interfaces"].state == "ok"
    (interface,) = cast("tuple[Interface, ...]", sample.sections["interfaces"])
    assert (interface.name, interface.speed_mbps) == ("eth0", None)


def test_an_extra_source_that_raises_loses_only_its_section(tree: Tree) -> None:
    """In every tick anew, whatever it raises. The sample has the reason."""

    def fail(_now: Now) -> object:
        raise KeyError("no such sensor")

    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector(extra_sources=[ExtraSource("mine", fail)])
    for _ in range(2):
        sample = collector.collect()
        assert "mine" not in sample.sections
        assert sample.sources["mine"].reason == "KeyError: 'no such sensor'"
        assert sample.sources["load"].state == "ok"


def test_an_extra_source_without_its_file_has_failed(tree: Tree) -> None:
    """Only for a built-in source does a missing file mean that the host does not have the section."""

    def fail(_now: Now) -> object:
        raise FileNotFoundError(2, "No such file or directory", "/dev/mine")

    sample = tree.collector(extra_sources=[ExtraSource("mine", fail)]).collect()
    assert sample.sources["mine"] == SourceState(
        "failed", 0.0, "FileNotFoundError: [Errno 2] No such file or directory: '/dev/mine'"
    )


@pytest.mark.parametrize("value", [{"x": float("nan")}, {"x": object()}, {"x": {1, 2}}])
def test_an_extra_section_without_a_json_form_has_failed(tree: Tree, value: object) -> None:
    """It would make the frame of every viewer invalid."""
    sample = tree.collector(extra_sources=[ExtraSource("mine", lambda _: value)]).collect()
    assert "mine" not in sample.sections
    assert sample.sources["mine"].state == "failed"


def test_the_fallback_answers_once_per_tick_for_a_failed_source(tree: Tree) -> None:
    """For that section only. The sample reports it, with the reason."""
    ticks: list[int] = []

    def collect(now: Now) -> Sockets:
        ticks.append(now.tick)
        return Sockets(9)

    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    fallback = [ExtraSource("sockets", collect), ExtraSource("load", collect)]
    collector = tree.collector(fallback=fallback)
    sample = collector.collect()
    collector.collect()
    assert ticks == [1, 2]
    assert sample.sections["sockets"] == Sockets(9)
    assert sample.sources["sockets"] == SourceState(
        "psutil", 0.0, f"{tree.proc}/net/sockstat: No such file or directory"
    )
    assert sample.sources["load"].state == "ok"


def test_a_fallback_that_fails_adds_its_reason(tree: Tree) -> None:
    """The state has the reason of the source and that of the fallback."""

    def fail(_now: Now) -> object:
        raise RuntimeError("psutil fails too")

    tree.put("proc/loadavg", "x")
    sample = tree.collector(fallback=[ExtraSource("load", fail)]).collect()
    state = sample.sources["load"]
    assert state.state == "failed"
    assert state.reason is not None
    assert state.reason.endswith("; psutil: psutil fails too")


def test_a_stale_section_is_in_the_sample_with_its_age(tree: Tree) -> None:
    """A source of an embedding program may return Stale, too."""
    extra = ExtraSource("mine", lambda _: Stale({"x": 1}, 7.5))
    sample = tree.collector(extra_sources=[extra]).collect()
    assert sample.sections["mine"] == {"x": 1}
    assert sample.sources["mine"] == SourceState("stale", 0.0, None, 7.5)
