"""This host as an origin: it adds its feed, ticks, follows the demand, and stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

import pytest

from telemetry_stream.hub import Hub
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.source import Options
from telemetry_stream.metrics.sources import container_api
from telemetry_stream.stream import HistoryLimits, LocalHost, Stream
from tests.conftest import eventually, our_threads
from tests.metrics.extra import ExtraSource
from tests.stream.streaming import WAIT_SECONDS


@contextmanager
def local_host(crashes: list[BaseException] | None = None, **options: Any) -> Iterator[Stream]:
    """A started LocalHost on a stream with a started hub."""
    hub = Hub()
    stream = Stream(hub, version="1", history=HistoryLimits(60))
    options = {"interval_seconds": 0.1, "idle_interval_seconds": 0.0, **options}
    origin = LocalHost(proc_root="/proc", sys_root="/sys", **options)
    hub.start()
    try:
        origin.start(stream, (crashes if crashes is not None else []).append)
        assert origin.maybe_problem() is None
        yield stream
    finally:
        origin.close()
        hub.close()


def test_it_publishes_a_sample_at_each_tick() -> None:
    """Under this host's identity, with the sections of the collector."""
    with local_host() as stream:
        feed = stream.feed()
        assert feed.wait_newer(2, ("cpu", "memory"), WAIT_SECONDS)
        newest = feed.maybe_newest()
        assert newest is not None
        assert newest.host == feed.host.id
        assert {"cpu", "memory", "processes", "self"} <= set(feed.section_names)


def test_the_container_api_is_that_of_the_settings() -> None:
    """By default, none."""
    for addresses in ((), ("unix:///run/docker.sock",)):
        with patch.object(container_api, "Api") as api:
            LocalHost(
                proc_root="/proc",
                sys_root="/sys",
                interval_seconds=1,
                idle_interval_seconds=0,
                options=Options(container_api=addresses),
            ).close()
        assert [call.args[0] for call in api.call_args_list] == [addresses] * bool(addresses)


def test_constructing_starts_nothing() -> None:
    """Closing it then is safe, and repeating that too."""
    before = our_threads()
    origin = LocalHost(
        proc_root="/proc", sys_root="/sys", interval_seconds=1, idle_interval_seconds=0
    )
    assert our_threads() == before
    origin.close()
    origin.close()


def test_two_sources_of_one_name_are_refused() -> None:
    """When the origin is made, so nothing has been started."""
    sources = [ExtraSource("mine", lambda _: {}), ExtraSource("mine", lambda _: {})]
    with pytest.raises(ValueError, match="mine"):
        LocalHost(
            proc_root="/proc",
            sys_root="/sys",
            interval_seconds=1,
            idle_interval_seconds=0,
            sources=sources,
        )


def test_an_on_demand_section_is_collected_while_it_is_wanted() -> None:
    """``processes`` appears after a request; a source of an embedding program is always asked."""
    with local_host(sources=[ExtraSource("mine", lambda _: {"open": 1})]) as stream:
        feed = stream.feed()
        assert feed.wait_newer(0, ("mine",), WAIT_SECONDS)
        assert not feed.has(("processes",))
        feed.demand.want(("processes",))
        assert feed.wait_newer(0, ("processes",), WAIT_SECONDS)


def test_the_idle_interval_ends_with_a_request() -> None:
    """Without viewers it takes one sample a minute; a request brings the next one at once."""
    with local_host(idle_interval_seconds=60.0) as stream:
        feed = stream.feed()
        assert feed.wait_newer(0, (), WAIT_SECONDS)
        assert eventually(lambda: feed.demand.interval_seconds == 60.0)
        seq = feed.seq
        feed.demand.want(None)
        assert feed.wait_newer(seq, (), WAIT_SECONDS)


def test_the_section_self_counts_what_the_hub_counts() -> None:
    """A consumer of the stream is one of the viewers."""
    with local_host() as stream:
        feed = stream.feed()
        assert feed.wait_newer(0, ("self",), WAIT_SECONDS)
        with stream.attach("publisher") as consumer:
            for _ in range(4):  # a message counts as sent when the next one is taken
                assert consumer.take(WAIT_SECONDS)
            assert feed.wait_newer(feed.seq + 1, ("self",), WAIT_SECONDS)
        newest = feed.maybe_newest()
        assert newest is not None
        own: Any = newest.sections["self"]
        assert own.viewers == 1
        assert own.frames_sent >= 1


def test_a_tick_that_raises_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread ends and reports its error, since nothing is sampled any more."""
    crashes: list[BaseException] = []

    def fail(*_: object) -> NoReturn:
        raise LookupError("a mistake in the collector")

    monkeypatch.setattr(Collector, "collect", fail)
    with local_host(crashes):
        assert eventually(lambda: crashes)
    assert isinstance(crashes[0], LookupError)
