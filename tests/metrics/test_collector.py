"""The collector: one sample per call. (Sources that fail: test_collector_failures.)"""

from __future__ import annotations

import functools
import os
import threading

import pytest

from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample, SourceState
from telemetry_stream.metrics.source import Now, Options
from telemetry_stream.metrics.sources import SECTIONS
from telemetry_stream.metrics.sources.cpu import Cpu
from telemetry_stream.metrics.sources.load import Load
from telemetry_stream.metrics.sources.process import Processes
from telemetry_stream.metrics.sources.tcp import Tcp
from telemetry_stream.metrics.sources.tcp_states import TcpStates
from tests.conftest import eventually
from tests.metrics.extra import ExtraSource, OnDemandSource
from tests.metrics.trees import Tree

STAT = "7 (x) S 1 1 1 0 -1 0 0 0 0 0 5 5 0 0 20 0 1 0 50 0 9 0"


def test_section_names_are_in_the_order_of_the_wire(tree: Tree) -> None:
    """Each declared section has a source of its name. Those of an embedding program come last."""
    extra = ExtraSource("mine", lambda _: None)
    names = tree.collector(extra_sources=[extra]).section_names
    assert names == (*(section.name for section in SECTIONS), "mine")


def test_default_sections_are_all_except_the_on_demand_ones(tree: Tree) -> None:
    """A source of an embedding program decides for itself."""
    extra = [ExtraSource("mine", lambda _: None), OnDemandSource("rare", lambda _: None)]
    collector = tree.collector(extra_sources=extra)
    left_out = set(collector.section_names) - set(collector.default_sections)
    assert left_out == {"processes", "containers", "vitals", "rare"}
    assert collector.default_sections[-1] == "mine"


def test_what_nobody_wants_has_no_state(tree: Tree) -> None:
    """It is not absent: then its alerts would resolve when the last viewer leaves."""
    collector = tree.collector()
    assert "gpus" not in collector.collect().sources
    assert collector.collect({"gpus"}).sources["gpus"].state == "absent"
    assert "gpus" not in collector.collect().sources


def test_two_samples_of_a_tree(tree: Tree) -> None:
    """The first sample has no interval and no rates. The second has the measured ones, by the given clocks."""
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
    assert isinstance(cpu, Cpu)
    assert (cpu.usage_percent, cpu.context_switches_per_second) == (25.0, 200.0)


def test_the_same_tree_gives_the_same_samples(tree: Tree) -> None:
    """Two collectors with the same files and clocks return equal samples."""
    tree.put("proc/loadavg", "1.00 0.50 0.25 1/80 9\n")
    tree.put("proc/self/stat", "1 (x) S " + "1 " * 40)
    assert tree.collector().collect() == tree.collector().collect()


def test_an_extra_section_is_a_copy(tree: Tree) -> None:
    """A sample in the ring does not change if the embedding program changes its dict later."""
    state = {"count": 1, "list": (1, 2)}
    sample = tree.collector(extra_sources=[ExtraSource("mine", lambda _: state)]).collect()
    state["count"] = 2
    assert sample.sections["mine"] == {"count": 1, "list": [1, 2]}


@pytest.mark.parametrize(
    ("name", "match"),
    [("cpu", "two sources"), ("seq", "field of every sample"), ("host", "field of every sample")],
)
def test_a_name_that_is_not_free_is_refused(tree: Tree, name: str, match: str) -> None:
    """When the collector is made: a name of another source, or one that a sample uses itself."""
    with pytest.raises(ValueError, match=match):
        tree.collector(extra_sources=[ExtraSource(name, lambda _: None)])


def test_an_on_demand_section_is_collected_while_it_is_wanted(tree: Tree) -> None:
    """It is not in the sample otherwise, and not in ``sources``. When it is wanted again, it starts anew."""
    tree.put("proc/7/stat", STAT)
    collector = tree.collector()

    def processes(*wanted: str) -> object:
        tree.advance(1.0)
        sample = collector.collect(wanted)
        assert ("processes" in sample.sources) == ("processes" in sample.sections)
        return sample.sections.get("processes")

    assert processes() is None
    first, second = processes("processes"), processes("processes", "no such section")
    assert isinstance(first, Processes)
    assert isinstance(second, Processes)
    assert [row.cpu_percent for row in first.top + second.top] == [None, 0.0]
    assert processes("cpu") is None
    again = processes("processes")
    assert isinstance(again, Processes)
    assert again.top[0].cpu_percent is None


def test_the_on_demand_part_of_a_section_is_collected_while_the_section_is_wanted(
    tree: Tree,
) -> None:
    """The section tcp is in every sample; its states only if it is wanted."""
    tree.put("proc/net/sockstat", "TCP: inuse 5\n")
    tree.put("proc/net/snmp", "Tcp: CurrEstab\nTcp: 5\n")
    tree.put("proc/net/tcp", "heading\n 0: a b 0A c\n")
    collector = tree.collector(options=Options(timeout_seconds=10.0))
    states = []
    for wanted in ((), ("tcp",), ("cpu",)):
        tcp = collector.collect(wanted).sections["tcp"]
        assert isinstance(tcp, Tcp)
        states.append(tcp.states)
    assert states == [None, TcpStates(listen=1), None]


def is_closed(source: OnDemandSource, times: int) -> bool:
    """Whether a source was closed so many times."""
    return source.closed == times


def test_an_on_demand_source_is_closed_once_when_it_is_not_wanted_any_more(tree: Tree) -> None:
    """It gives up its descriptors then, and not again in each tick after it."""
    rare = OnDemandSource("rare", lambda _: {"x": 1})
    collector = tree.collector(extra_sources=[rare])
    for is_wanted, closed in zip([0, 1, 1, 0, 0, 1, 0], [0, 0, 0, 1, 1, 1, 2], strict=True):
        sample = collector.collect(["rare"] * is_wanted)
        assert ("rare" in sample.sections) == bool(is_wanted)
        # It is closed on its own thread.
        assert eventually(functools.partial(is_closed, rare, closed))


def test_close_closes_the_extra_sources(tree: Tree) -> None:
    """A source that holds something has close()."""
    rare = OnDemandSource("rare", lambda _: None)
    tree.collector(extra_sources=[rare]).close()
    assert eventually(lambda: rare.closed == 1)


def test_the_duration_of_a_source_is_measured(tree: Tree) -> None:
    """On the monotonic clock: a source takes a quarter of a second."""

    def take(_now: Now) -> object:
        tree.advance(0.25)
        return {"x": 1}

    collector = tree.collector(extra_sources=[ExtraSource("slow", take)])
    assert collector.collect().sources["slow"].took_seconds == 0.25


def test_a_suspend_is_the_difference_of_boottime_and_monotonic(tree: Tree) -> None:
    """Sources get how long the machine was suspended between two ticks. It is never negative."""
    suspended: list[float] = []
    extra = ExtraSource("mine", lambda now: suspended.append(now.suspended_seconds))
    collector = tree.collector(extra_sources=[extra])
    collector.collect()
    tree.advance(1.0, slept=4.5)
    collector.collect()
    tree.advance(1.0, slept=-0.01)
    collector.collect()
    assert suspended == [0.0, 4.5, 0.0]


def test_descriptors_stay_open_until_close(tree: Tree) -> None:
    """A hundred samples keep the same descriptors. After close, the next sample opens what it needs."""

    def opened() -> set[str]:
        links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
        targets = {f"{link} {os.path.realpath(link)}" for link in links}
        return {target for target in targets if tree.proc in target}

    tree.put("proc/loadavg", "1 1 1 1/2 3\n")
    collector = tree.collector()
    collector.collect()
    first = opened()
    for _ in range(100):
        collector.collect()
    assert opened() == first
    assert len(first) == 1
    collector.close()
    assert opened() == set()
    assert collector.collect().sources["load"].state == "ok"


def test_the_running_host_gives_a_whole_sample() -> None:
    """Any thread may own the tick."""
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
