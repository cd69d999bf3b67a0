"""Joining a feed while samples are published: no gap, no duplicate, and hello first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import partial

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End, Hub
from telemetry_stream.stream import Feed, Resume
from tests.conftest import eventually
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
                joined_at.append(newest)
                until = min(newest + 10, last)
                first = max(newest, 1) if wanted is None else wanted.since + 1
                assert viewer.seqs_to(until) == list(range(first, until + 1))

    def has_joined(after: int) -> bool:
        return bool(errors) or any(seq > after for seq in joined_at)

    for _ in range(rounds):
        joined_at.clear()
        with streaming(hub_class=hub_class) as (hub, _, feed):
            joiners = [
                threads.start("ts-joiner", join_repeatedly, feed, on_crash=errors.append)
                for _ in range(5)
            ]
            together.wait()
            for begin in range(0, last, 20):
                publish(feed, 20)
                is_last = begin + 20 == last
                # Each viewer joins again after 10 samples, so one of them has joined during these 20, or will soon.
                assert is_last or eventually(partial(has_joined, begin))
            for joiner in joiners:
                joiner.join(30)
            assert hub.stats().clients == 0
        assert not errors


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
