"""The collector: one sample per call, of what is wanted. (What goes wrong: test_collector_trouble.)"""

from __future__ import annotations

import threading

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.source import Now, Options
from telemetry_stream.metrics.sources import RECORDS
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.metrics.sources.process import Processes
from telemetry_stream.metrics.sources.tcp import Tcp
from telemetry_stream.metrics.sources.tcp_states import TcpStates
from tests.metrics.foreign import Mine
from tests.metrics.trees import Tree


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


def test_what_is_dear_is_collected_while_it_is_wanted(tree: Tree) -> None:
    """Processes and per-state TCP cost nothing while nobody asks; who comes back gets a first sight."""
    tree.put("proc/7/stat", "7 (x) S 1 1 1 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0 50 0 9 0")
    tree.put("proc/net/sockstat", "TCP: inuse 5\n")
    tree.put("proc/net/snmp", "Tcp: CurrEstab\nTcp: 5\n")
    tree.put("proc/net/tcp", "heading\n 0: a b 0A c\n")
    collector = tree.collector(options=Options(timeout_seconds=10.0))

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
