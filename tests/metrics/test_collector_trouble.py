"""What the collector makes of trouble: who is absent, fails or goes stale costs its own section, and says why."""

from __future__ import annotations

import logging

import pytest

from telemetry_stream.metrics.sample import SourceState
from telemetry_stream.metrics.source import Now, Stale
from telemetry_stream.metrics.sources import DEAR, RECORDS
from telemetry_stream.metrics.sources.tcp import Sockets
from tests.metrics.foreign import Mine
from tests.metrics.trees import Tree


def test_what_a_host_lacks_is_absent(tree: Tree) -> None:
    """An empty tree gives a sample without sections, and each source says that it is absent and why."""
    sample = tree.collector().collect()
    assert sample.sections == {}
    assert sample.sources.keys() == RECORDS.keys() - DEAR
    assert sample.uptime_seconds is None
    assert {state.state for state in sample.sources.values()} == {"absent"}
    assert sample.sources["load"].reason == f"{tree.proc}/loadavg: No such file or directory"


def test_a_file_that_makes_no_sense_costs_its_section_only(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """State failed, with path and reason; one line in the log and not one per tick; the rest stands."""
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
        f"source load: failed ({state.reason})"
    ]
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    assert collector.collect().sources["load"].state == "ok"


def test_trouble_is_logged_when_it_begins_and_when_it_ends(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    """Once each, and at most once a minute: who flaps, with other words each time, fills no log."""
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

    collector = tree.collector(extra_sources=[Mine("mine", collect)])
    tick()
    assert logged() == []
    broken = True
    tick()
    assert logged() == ["source mine: failed (tick 2)"]
    for turn in range(50):
        broken = turn % 2 == 0
        tick()
    assert logged() == []
    broken = False
    tick(60.0)
    assert logged() == ["source mine: ok"]
    broken = True
    tick()
    assert logged() == []  # the minute is not over
    tick(60.0)
    assert logged() == ["source mine: failed (tick 55)"]
    broken = False
    tick(61.0)
    assert logged() == ["source mine: ok"]
    tick(61.0)
    broken = True
    tick()
    assert logged() == ["source mine: failed (tick 58)"]


def test_a_foreign_source_that_raises_costs_its_section_only(tree: Tree) -> None:
    """Each tick again, whatever it raises: its section is left out, and why is said."""

    def fail(_now: Now) -> object:
        raise KeyError("no such sensor")

    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector(extra_sources=[Mine("mine", fail)])
    for _ in range(2):
        sample = collector.collect()
        assert "mine" not in sample.sections
        assert sample.sources["mine"].reason == "'no such sensor'"
        assert sample.sources["load"].state == "ok"


def test_a_foreign_source_without_a_file_failed_and_is_not_absent(tree: Tree) -> None:
    """Only our own sources know that a missing file means: this host has none."""

    def fail(_now: Now) -> object:
        raise FileNotFoundError(2, "No such file or directory", "/dev/mine")

    sample = tree.collector(extra_sources=[Mine("mine", fail)]).collect()
    assert sample.sources["mine"] == SourceState(
        "failed", 0.0, "/dev/mine: No such file or directory"
    )


@pytest.mark.parametrize("value", [{"x": float("nan")}, {"x": object()}, {"x": {1, 2}}])
def test_a_foreign_section_that_json_cannot_say_failed(tree: Tree, value: object) -> None:
    """It would break every viewer's frame: it costs its own section."""
    sample = tree.collector(extra_sources=[Mine("mine", lambda _: value)]).collect()
    assert "mine" not in sample.sections
    assert sample.sources["mine"].state == "failed"


def test_fallback_answers_once_per_tick_and_section(tree: Tree) -> None:
    """Where the file fails psutil is asked, for that section, once; the sample says so and why."""
    asked: list[int] = []

    def answer(now: Now) -> Sockets:
        asked.append(now.tick)
        return Sockets(9)

    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector(fallback=[Mine("sockets", answer), Mine("load", answer)])
    sample = collector.collect()
    collector.collect()
    assert asked == [1, 2]
    assert sample.sections["sockets"] == Sockets(9)
    assert sample.sources["sockets"] == SourceState(
        "psutil", 0.0, f"{tree.proc}/net/sockstat: No such file or directory"
    )
    assert sample.sources["load"].state == "ok"


def test_a_fallback_that_fails_too(tree: Tree) -> None:
    """Both reasons are told."""

    def fail(_now: Now) -> object:
        raise RuntimeError("psutil is lost too")

    tree.put("proc/loadavg", "x")
    sample = tree.collector(fallback=[Mine("load", fail)]).collect()
    state = sample.sources["load"]
    assert state.state == "failed"
    assert state.reason is not None
    assert state.reason.endswith("; psutil: psutil is lost too")


def test_a_stale_section_says_so(tree: Tree) -> None:
    """The newest that there is, its age, and the state; a foreign source may say it, too."""
    mine = Mine("mine", lambda _: Stale({"x": 1}, 7.5))
    sample = tree.collector(extra_sources=[mine]).collect()
    assert sample.sections["mine"] == {"x": 1}
    assert sample.sources["mine"] == SourceState("stale", 0.0, None, 7.5)
