"""A consumer inside this program gets what a viewer gets, and costs nobody anything when it does not take it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from telemetry_stream.hub import End
from telemetry_stream.hub.frame_queue import QUEUE_FRAMES
from telemetry_stream.stream import Consumer, Resume
from telemetry_stream.stream import consumer as consumer_module
from tests.conftest import eventually
from tests.server.service import sample
from tests.stream.streaming import (
    OTHER_HOST,
    WAIT_SECONDS,
    Viewer,
    add_feed,
    publish,
    streaming,
)


def take(consumer: Consumer) -> dict[str, Any]:
    """The next message, which must come."""
    text = consumer.take(WAIT_SECONDS)
    assert text is not None
    message: dict[str, Any] = json.loads(text)
    return message


def test_it_gets_hello_the_newest_sample_and_each_new_one() -> None:
    """In order, each as one JSON text, without a framing."""
    with streaming() as (_, stream, feed):
        publish(feed, 2)
        with stream.attach("publisher") as consumer:
            publish(feed, 2)
            messages = [take(consumer) for _ in range(4)]
        assert [m["type"] for m in messages] == ["hello", "sample", "sample", "sample"]
        assert [m["seq"] for m in messages] == [2, 2, 3, 4]
        assert consumer.dropped == 0


def test_a_history_is_one_message() -> None:
    """A recorder that resumes after an interruption gets what it missed, whole."""
    with streaming() as (_, stream, feed):
        for number in range(1, 31):
            feed.publish(sample(number, pad=10_000))
        resume = Resume(since=10, stream=feed.id)
        with stream.attach("recorder", resume=resume) as consumer:
            assert take(consumer)["type"] == "hello"
            assert [s["seq"] for s in take(consumer)["samples"]] == list(range(11, 31))
            publish(feed)
            assert take(consumer)["seq"] == 31


def test_a_thread_that_waits_for_something_else_is_woken_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Just before a message is queued while none waits; ``take`` then gets that message without a timeout."""
    monkeypatch.setattr(consumer_module, "ANNOUNCED_SECONDS", WAIT_SECONDS)
    woken = threading.Semaphore(0)
    with streaming() as (_, stream, feed), stream.attach("mqtt", wake=woken.release) as consumer:
        assert take(consumer)["type"] == "hello"
        assert consumer.take(0.0) is None
        for number in range(1, 101):
            feed.publish(sample(number))
            assert woken.acquire(timeout=WAIT_SECONDS)
            text = consumer.take(0.0)
            assert text is not None
            assert json.loads(text)["seq"] == number
            assert consumer.take(0.0) is None


def test_it_chooses_host_sections_and_every() -> None:
    """As a viewer does; its choice is demanded from the host."""
    with streaming() as (_, stream, _):
        other = add_feed(stream, OTHER_HOST)
        with stream.attach(
            "publisher", host=OTHER_HOST.id, sections=["pad", "cpu"], every=2
        ) as consumer:
            assert other.demand.wanted() == {"cpu", "pad"}
            publish(other, 4)
            assert take(consumer)["sections"] == ["cpu", "pad"]
            assert [take(consumer)["seq"] for _ in range(2)] == [2, 4]
        with pytest.raises(LookupError):
            stream.attach("publisher", host="host-3")


def test_a_consumer_that_takes_nothing_loses_only_its_own_messages() -> None:
    """A viewer beside it gets every sample, and the consumer then gets its waiting messages in order."""
    with (
        streaming() as (hub, stream, feed),
        Viewer(feed) as viewer,
        stream.attach("stuck") as consumer,
    ):
        for number in range(1, 101):
            feed.publish(sample(number))
            assert eventually(lambda: not viewer.client.queue.unfinished_tasks)
        assert viewer.seqs_to(100) == list(range(1, 101))
        # All but the first messages, which are one item of its queue, and 15 samples. Before the last one is dropped,
        # the grace period has not ended, and a queue with room takes one more.
        assert eventually(lambda: consumer.dropped == 101 - QUEUE_FRAMES)
        assert hub.stats().dropped == consumer.dropped
        messages = []
        while (text := consumer.take(0.2)) is not None:
            messages.append(json.loads(text))
        assert messages[0]["type"] == "hello"
        seqs = [message["seq"] for message in messages[1:]]
        assert seqs == list(range(1, len(seqs) + 1))


def test_nothing_comes_within_the_timeout() -> None:
    """None then, also after a message was taken."""
    with streaming() as (_, stream, _), stream.attach("idle") as consumer:
        assert take(consumer)["type"] == "hello"
        assert consumer.take(0.0) is None
        assert consumer.take(0.01) is None
        assert consumer.end is None


def test_iterating_ends_when_the_hub_closes() -> None:
    """A consumer's loop needs no other signal."""
    with streaming() as (hub, stream, feed):
        consumer = stream.attach("recorder")
        seen: list[str] = []
        attached = threading.Event()

        def consume() -> None:
            for message in consumer:
                seen.append(json.loads(message)["type"])
                attached.set()

        thread = threading.Thread(target=consume)
        thread.start()
        assert attached.wait(WAIT_SECONDS)
        publish(feed)
        hub.close()
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive()
        assert seen[:2] == ["hello", "sample"]
        assert consumer.end is End.GOING_AWAY
        consumer.close()
        consumer.close()
        assert hub.clients() == ()


def test_iterating_ends_on_a_full_queue_too() -> None:
    """The messages that wait when the hub closes are still taken, and then the loop ends."""
    with streaming() as (hub, stream, feed):
        consumer = stream.attach("recorder")
        for number in range(2 * QUEUE_FRAMES):
            feed.publish(sample(number))
        hub.close()
        assert len(list(consumer)) >= QUEUE_FRAMES
        consumer.close()


def test_closing_detaches_it() -> None:
    """Nothing is queued for it any more, and its choice is not encoded any more."""
    with streaming() as (hub, stream, feed):
        with stream.attach("recorder", sections=["cpu"]) as consumer:
            assert feed.audience.sections() == ({"cpu"},)
        assert feed.audience.sections() == ()
        assert hub.stats().ended == {"gone": 1}
        assert consumer.take(0.0) is None
