"""Joining a stream in the middle of it: no hole, no double, and hello first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

import pytest

from telemetry_stream import threads
from telemetry_stream.hub import Client, End, Hub
from telemetry_stream.stream import Resume, Stream
from tests.stream.streaming import Viewer, publish, streaming


class DawdlingHub(Hub):
    """Gives every other thread its chance just where numbering, remembering, broadcasting and joining meet."""

    def register(self, client: Client) -> bool:
        _let_others_run()
        let_in = super().register(client)
        _let_others_run()
        return let_in

    def topics(self) -> tuple[Hashable, ...]:
        _let_others_run()
        return super().topics()


def _let_others_run() -> None:
    threading.Event().wait(0.0005)


@pytest.mark.parametrize(
    "resume",
    [
        pytest.param(lambda stream: Resume(), id="history"),
        pytest.param(lambda stream: None, id="newest"),
        pytest.param(lambda stream: Resume(since=stream.seq // 2, stream=stream.id), id="since"),
    ],
)
@pytest.mark.parametrize(("hub_class", "rounds"), [(Hub, 20), (DawdlingHub, 1)])
def test_history_and_live_meet(
    hub_class: type[Hub], rounds: int, resume: Callable[[Stream], Resume | None]
) -> None:
    """Five viewers at a time join again and again while 200 samples are published at full speed: no hole, no double."""
    last = 200
    errors: list[BaseException] = []
    begins: list[int] = []
    together = threading.Barrier(6, timeout=10)

    def join_again_and_again() -> None:
        together.wait()
        while stream.seq < last:
            wanted = resume(stream)
            with Viewer(stream, wanted) as viewer:
                newest = viewer.message()["seq"]
                until = min(newest + 10, last)
                first = max(newest, 1) if wanted is None else wanted.since + 1
                assert viewer.seqs_to(until) == list(range(first, until + 1))
                begins.append(newest)

    for _ in range(rounds):
        with streaming(hub_class=hub_class) as stream:
            joiners = [
                threads.start("ts-joiner", join_again_and_again, on_crash=errors.append)
                for _ in range(5)
            ]
            together.wait()
            publish(stream, last)
            for joiner in joiners:
                joiner.join(30)
            assert stream._hub.stats().clients == 0
    assert not errors
    assert len(begins) >= 20


def test_hello_is_owed_before_the_hub_knows_the_client() -> None:
    """So that even a frame that is offered at once comes after it."""

    class EagerHub(Hub):
        def register(self, client: Client) -> bool:
            let_in = super().register(client)
            assert client.offer(b'{"type":"eager"}\n')
            return let_in

    with streaming(hub_class=EagerHub) as stream, Viewer(stream, Resume()) as viewer:
        assert [viewer.message()["type"] for _ in range(3)] == ["hello", "history", "eager"]


def test_join_of_a_closed_hub() -> None:
    """Is refused, with the client ended."""
    with streaming() as stream:
        stream._hub.close()
        with Viewer(stream) as viewer:
            assert not viewer.let_in
            assert viewer.client.end is End.GOING_AWAY


def test_join_needs_a_choice() -> None:
    """A client of another topic would get nothing, and never know."""
    with streaming() as stream, pytest.raises(TypeError, match="not a Choice"):
        stream.join(Client(len, topic="all"), None)
