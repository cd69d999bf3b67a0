"""The collector: one sample per call, and a source costs its own section only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from telemetry_stream.metrics.clock import Now
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.sources import DEAR, RECORDS, Options
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.metrics.sources.process import Processes
from telemetry_stream.metrics.sources.tcp import Sockets, Tcp
from telemetry_stream.metrics.sources.tcp_states import TcpStates
from telemetry_stream.metrics.stale import Stale
from tests.metrics.trees import Tree


class Mine:
    """A source of an embedding program."""

    def __init__(self, name: str, collect: Callable[[Now], object]) -> None:
        self.name = name
        self._collect = collect

    def collect(self, now: Now) -> object:
        return self._collect(now)


def test_names_follow_the_table(tree: Tree) -> None:
    """Every section is a source of the same name, foreign ones come last."""
    mine = Mine("mine", lambda _: None)
    assert tree.collector(extra_sources=[mine]).section_names == (*RECORDS, "mine")


def test_two_samples_of_a_tree(tree: Tree) -> None:
    """The first has no interval and no rates, the second the measured ones; times are the clocks'."""
    tree.put("proc/loadavg", "1.00 0.50 0.25 1/80 9\n")
    tree.put("proc/stat", "cpu0 0 0 0 0\nctxt 100\n")
    tree.put("proc/uptime", "50.25 1.0\n")
    collector = tree.collector()
    first = collector.collect()
    assert first.interval_seconds is None
    assert first.time_unix == 1764000000.0
    assert first.uptime_seconds == 50.25
    assert first.sections["load"] == Load(1.0, 0.5, 0.25, 1.0, 1, 80, None, None)
    assert first.sources["load"] == SourceState("ok", 0.0)
    tree.put("proc/stat", "cpu0 25 0 0 75\nctxt 350\n")
    tree.advance(1.25)
    second = collector.collect()
    assert second.interval_seconds == 1.25
    assert second.time_unix == 1764000001.25
    cpu = second.sections["cpu"]
    assert isinstance(cpu, RECORDS["cpu"])
    assert (cpu.usage_percent, cpu.context_switches_per_second) == (25.0, 200.0)


def test_the_same_tree_gives_the_same_samples(tree: Tree) -> None:
    """Deterministic: another collector on the same files and clocks says the same."""
    tree.put("proc/loadavg", "1.00 0.50 0.25 1/80 9\n")
    tree.put("proc/self/stat", "1 (x) S " + "1 " * 40)
    assert tree.collector().collect() == tree.collector().collect()


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


def test_a_foreign_section_is_a_copy(tree: Tree) -> None:
    """A sample in the ring does not change when its source goes on using its dict."""
    state = {"count": 1, "list": (1, 2)}
    sample = tree.collector(extra_sources=[Mine("mine", lambda _: state)]).collect()
    state["count"] = 2
    assert sample.sections["mine"] == {"count": 1, "list": [1, 2]}


@pytest.mark.parametrize(
    ("name", "match"),
    [("cpu", "two sources"), ("seq", "uses that name"), ("host", "uses that name")],
)
def test_names_clash(tree: Tree, name: str, match: str) -> None:
    """Two sources of one name, or one of a frame's own words, are refused at construction."""
    with pytest.raises(ValueError, match=match):
        tree.collector(extra_sources=[Mine(name, lambda _: None)])


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


def test_what_is_dear_is_collected_while_it_is_wanted(tree: Tree) -> None:
    """Processes and per-state TCP cost nothing while nobody asks; who comes back gets a first sight."""
    tree.put("proc/7/stat", "7 (x) S 1 1 1 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0 50 0 9 0")
    tree.put("proc/net/sockstat", "TCP: inuse 5\n")
    tree.put("proc/net/snmp", "Tcp: CurrEstab\nTcp: 5\n")
    tree.put("proc/net/tcp", "heading\n 0: a b 0A c\n")
    collector = tree.collector(options=Options(patience_seconds=10.0))

    def collect() -> tuple[object, object]:
        sample = collector.collect()
        tree.advance(1.0)
        tcp = sample.sections["tcp"]
        assert isinstance(tcp, Tcp)
        assert ("processes" in sample.sources) == ("processes" in sample.sections)
        return sample.sections.get("processes"), tcp.states

    assert collect() == (None, None)
    collector.want(["processes", "no such section"], tree.monotonic + 1.5)
    first, states = collect()
    assert isinstance(first, Processes)
    assert states is None
    collector.want(["processes"], tree.monotonic)  # a shorter wish does not end a longer one
    second, _ = collect()
    assert isinstance(second, Processes)
    assert [row.cpu_percent for row in first.top + second.top] == [None, 0.0]
    assert collect() == (None, None)
    collector.want(None, tree.monotonic + 0.5)
    third, states = collect()
    assert isinstance(third, Processes)
    assert third.top[0].cpu_percent is None
    assert states == TcpStates(listen=1)


def test_a_stale_section_says_so(tree: Tree) -> None:
    """The newest that there is, its age, and the state; a foreign source may say it, too."""
    mine = Mine("mine", lambda _: Stale({"x": 1}, 7.5))
    sample = tree.collector(extra_sources=[mine]).collect()
    assert sample.sections["mine"] == {"x": 1}
    assert sample.sources["mine"] == SourceState("stale", 0.0, None, 7.5)


def test_close_reaches_foreign_sources(tree: Tree) -> None:
    """A source that holds something has close(), and is told."""
    closed = []

    class Holding(Mine):
        def close(self) -> None:
            closed.append(self.name)

    tree.collector(extra_sources=[Holding("mine", lambda _: None)]).close()
    assert closed == ["mine"]


def test_took_is_measured_on_the_monotonic_clock(tree: Tree) -> None:
    """A source that takes a quarter of a second says so."""

    def take(_now: Now) -> object:
        tree.advance(0.25)
        return {"x": 1}

    slow = Mine("slow", take)
    assert tree.collector(extra_sources=[slow]).collect().sources["slow"].took_seconds == 0.25


def test_a_suspend_is_boottime_less_monotonic(tree: Tree) -> None:
    """The sources are told how long the machine slept between two ticks; never less than nothing."""
    seen: list[float] = []
    collector = tree.collector(
        extra_sources=[Mine("mine", lambda now: seen.append(now.suspended_seconds))]
    )
    collector.collect()
    tree.advance(1.0, slept=4.5)
    collector.collect()
    tree.advance(1.0, slept=-0.01)
    collector.collect()
    assert seen == [0.0, 4.5, 0.0]


def test_descriptors_are_kept_and_given_back(tree: Tree) -> None:
    """A hundred samples open nothing anew; close gives everything back; collecting afterwards still works."""
    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector()
    for _ in range(100):
        collector.collect()
    collector.close()
    assert collector.collect().sources["load"].state == "ok"


def test_on_this_system() -> None:
    """The running host gives a whole sample, from any thread, with rates in the second."""
    collector = Collector()
    samples: list[Sample] = []
    thread = threading.Thread(target=lambda: samples.extend(collector.collect() for _ in range(2)))
    thread.start()
    thread.join(10)
    collector.close()
    first, second = samples
    assert first.host == collector.host.id
    assert {"cpu", "load", "memory", "system", "self"} <= second.sections.keys()
    assert not [name for name, state in second.sources.items() if state.state == "failed"]
