"""Joining a feed while samples are published: no gap, no duplicate, and hello first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End, Hub
from telemetry_stream.stream import Feed, Resume
from tests.stream.streaming import WAIT_SECONDS, Viewer, publish, streaming


class YieldingHub(Hub):
    """Lets other threads run between the steps of numbering, remembering, broadcasting and joining."""

    def register(self, client: Client) -> bool:
        _let_others_run()
        is_registered = super().register(client)
        _let_others_run()
        return is_registered

    def topics(self) -> tuple[Hashable, ...]:
        _let_others_run()
        return super().topics()


def _let_others_run() -> None:
    threading.Event().wait(0.0005)


@pytest.mark.parametrize(
    "resume",
    [
        pytest.param(lambda feed: Resume(), id="history"),
        pytest.param(lambda feed: None, id="newest"),
        pytest.param(lambda feed: Resume(since=feed.seq // 2, stream=feed.id), id="since"),
    ],
)
@pytest.mark.parametrize(("hub_class", "rounds"), [(Hub, 10), (YieldingHub, 1)])
def test_history_and_live_samples_meet(
    hub_class: type[Hub], rounds: int, resume: Callable[[Feed], Resume | None]
) -> None:
    """Five viewers join again and again while 200 samples are published: each gets every number once, in order."""
    last = 200
    errors: list[BaseException] = []
    joined_at: list[int] = []
    together = threading.Barrier(6, timeout=WAIT_SECONDS)

    def join_repeatedly(feed: Feed) -> None:
        together.wait()
        while feed.seq < last:
            wanted = resume(feed)
            with Viewer(feed, wanted) as viewer:
                newest = viewer.message()["seq"]
                until = min(newest + 10, last)
                first = max(newest, 1) if wanted is None else wanted.since + 1
                assert viewer.seqs_to(until) == list(range(first, until + 1))
                joined_at.append(newest)

    for _ in range(rounds):
        with streaming(hub_class=hub_class) as (hub, _, feed):
            joiners = [
                threads.start("ts-joiner", join_repeatedly, feed, on_crash=errors.append)
                for _ in range(5)
            ]
            together.wait()
            publish(feed, last)
            for joiner in joiners:
                joiner.join(30)
            assert hub.stats().clients == 0
    assert not errors
    assert len(joined_at) >= 20


def test_hello_is_queued_before_the_client_is_registered() -> None:
    """Even a frame that is offered at once comes after it."""

    class EagerHub(Hub):
        def register(self, client: Client) -> bool:
            is_registered = super().register(client)
            assert client.offer(b'{"type":"eager"}\n')
            return is_registered

    with streaming(hub_class=EagerHub) as (_, _, feed), Viewer(feed, Resume()) as viewer:
        assert [viewer.message()["type"] for _ in range(3)] == ["hello", "history", "eager"]


def test_joining_a_closed_hub_is_refused() -> None:
    """The client has ended with 1001."""
    with streaming() as (hub, _, feed):
        hub.close()
        with Viewer(feed) as viewer:
            assert not viewer.is_registered
            assert viewer.client.end is End.GOING_AWAY
