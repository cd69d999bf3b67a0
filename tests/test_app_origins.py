"""The origins of an app, which produce the samples of its hosts, and the consumers inside the same program."""

from __future__ import annotations

import json
import queue
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

import pytest

from telemetry_stream import App
from telemetry_stream.hub import End
from telemetry_stream.hub.frame_queue import QUEUE_FRAMES
from telemetry_stream.stream import Consumer, Stream
from tests.apps import FAST, OwnOrigin
from tests.conftest import eventually
from tests.viewers import (
    TIMEOUT_SECONDS,
    address_of,
    assert_consecutive,
    get,
    read_samples,
    seqs,
    websockets_viewer,
)


def test_origins_are_started_in_order_and_closed_in_reverse() -> None:
    """An origin may rely on the ones before it. The app is closed twice here, and so are its origins."""
    calls: list[str] = []
    origins = [OwnOrigin(f"host-{number}", calls=calls) for number in (1, 2, 3)]
    with App(FAST, origins=origins) as app:
        assert calls == ["start host-1", "start host-2", "start host-3"]
        calls.clear()
        app.close()
        assert calls == ["close host-3", "close host-2", "close host-1"]
    assert calls == ["close host-3", "close host-2", "close host-1"] * 2


def test_nothing_is_served_before_all_origins_have_started() -> None:
    """A client that connects earlier is served afterwards, so it finds every host."""

    def connect() -> None:
        client.connect(address_of(app.url))
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)

    with socket.socket() as client:
        app = App(FAST, origins=[OwnOrigin("host-1", on_start=connect), OwnOrigin("host-2")])
        with app:
            client.settimeout(TIMEOUT_SECONDS)
            assert client.recv(12) == b"HTTP/1.1 200"


class Late(OwnOrigin):
    """An origin that does not know its host at the start, such as a broker's."""

    def start(self, stream: Stream, on_crash: Callable[[BaseException], None]) -> None:
        self.later = partial(super().start, stream, on_crash)


def test_a_host_may_be_added_after_the_start() -> None:
    """Until then, requests about it get a 503, and the program is healthy."""
    origin = Late("host-1")
    with App(FAST, origins=[origin]) as app:
        for path in ("sample", "history", "stream"):
            assert get(app.url, f"/api/v1/{path}") == (503, {"error": "No host has been added yet"})
        assert get(app.url, "/healthz")[0] == 200
        origin.later()
        origin.publish()
        assert get(app.url, "/api/v1/sample")[0] == 200


def test_viewers_are_closed_before_the_origins() -> None:
    """An origin may take long to close. No viewer waits for that."""
    codes: list[int | None] = []
    origin = OwnOrigin(on_close=lambda: codes.append(viewer.read_close_code()))
    with ExitStack() as stack:
        app = stack.enter_context(App(FAST, origins=[origin]))
        viewer = stack.enter_context(websockets_viewer(app.url))
        assert viewer.read()["type"] == "hello"
        app.close()
        assert codes == [1001]


def test_an_origin_gets_the_viewers_of_its_host() -> None:
    """Its samples are those of the stream and of the API."""
    origin = OwnOrigin()
    with App(FAST, origins=[origin]) as app:
        origin.publish()
        assert get(app.url, "/api/v1/sample")[1]["seq"] == 1
        with websockets_viewer(app.url) as viewer:
            assert viewer.read()["host"]["id"] == "host-1"
            assert eventually(lambda: origin.feed.audience.sections() == (None,))
            origin.publish()
            assert seqs(read_samples(viewer, 2)) == [1, 2]


def test_a_thread_of_an_origin_that_dies_ends_the_app() -> None:
    """``wait`` returns and ``failure`` is the error. Later errors may follow from the first one, which is kept."""
    origin = OwnOrigin()
    first = LookupError("the first")
    with App(FAST, origins=[origin]) as app:
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        for error in (first, LookupError("the second")):
            origin.on_crash(error)
        app.wait()
        assert app.failure is first
        assert get(app.url, "/healthz") == (503, {"error": "a thread of the program has crashed"})


def test_the_problem_of_any_origin_is_reported() -> None:
    """By /healthz and the watchdog, as long as it lasts."""
    origins = [OwnOrigin("host-1"), OwnOrigin("host-2")]
    with App(FAST, origins=origins) as app:
        assert app.maybe_problem() is None
        origins[1].problem = "no connection to the broker"
        assert app.maybe_problem() == "no connection to the broker"
        assert get(app.url, "/healthz") == (503, {"error": "no connection to the broker"})
        origins[1].problem = None
        assert get(app.url, "/healthz")[0] == 200


class Broken(OwnOrigin):
    """An origin that fails in every method except ``start``."""

    def maybe_problem(self) -> NoReturn:
        raise LookupError("injected")

    def close(self) -> NoReturn:
        raise LookupError("injected")


def test_an_origin_that_raises_affects_no_other_part(caplog: pytest.LogCaptureFixture) -> None:
    """The check of health reports it, and the other origins are closed, too."""
    calls: list[str] = []
    with App(FAST, origins=[OwnOrigin("host-1", calls=calls), Broken("host-2")]) as app:
        assert get(app.url, "/healthz") == (503, {"error": "an origin raised LookupError"})
    assert calls[-1] == "close host-1"
    assert "The origin Broken cannot be closed" in caplog.text
    app.wait()


@pytest.mark.parametrize("watch", ["", "http://127.0.0.1:1"])
def test_on_ready_is_called_once_with_the_first_sample(watch: str) -> None:
    """The first sample of any origin counts, also in a front end, which is an origin of its own."""
    calls: list[str] = []
    origins = [OwnOrigin("host-1"), OwnOrigin("host-2")]
    settings = replace(FAST, watch=watch, no_collect=bool(watch))
    with App(settings, origins=origins, on_ready=lambda: calls.append("ready")):
        assert calls == []
        for origin in reversed(origins):
            origin.publish()
            origin.publish()
            assert calls == ["ready"]


def test_on_ready_is_called_at_the_start_without_an_origin() -> None:
    """No first sample will come."""
    calls: list[str] = []
    app = App(FAST, origins=[], on_ready=lambda: calls.append("ready"))
    assert calls == []
    with app:
        assert calls == ["ready"]


def test_on_ready_is_called_for_this_host() -> None:
    """On its own thread, and then the sample can be read."""
    ready: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    app = App(FAST, on_ready=lambda: ready.put(app.stream.feed().maybe_latest()))
    with app:  # which begins to call back before the block begins
        assert ready.get(timeout=TIMEOUT_SECONDS)
        assert app.stream.feed().wait_newer(3, (), TIMEOUT_SECONDS)
        assert ready.empty()


# Consumers.


def take(consumer: Consumer) -> dict[str, Any]:
    """Return the next message."""
    text = consumer.take(TIMEOUT_SECONDS)
    assert text is not None
    message: dict[str, Any] = json.loads(text)
    return message


def test_a_consumer_gets_hello_and_each_sample() -> None:
    """As every viewer does."""
    with App(FAST) as app, app.stream.attach("recorder") as consumer:
        hello, *messages = [take(consumer) for _ in range(7)]
        assert (hello["type"], hello["stream"]) == ("hello", app.stream.feed().id)
    samples = [message for message in messages if message["type"] == "sample"]
    others = [message for message in messages if message["type"] != "sample"]
    assert len(others) == (hello["alerts"] is None)
    assert_consecutive(seqs(samples))
    assert consumer.dropped == 0


def test_a_consumer_that_takes_nothing_loses_only_its_own_messages() -> None:
    """Another consumer and a viewer get every sample."""
    origin = OwnOrigin()
    with (
        App(FAST, origins=[origin]) as app,
        websockets_viewer(app.url) as viewer,
        app.stream.attach("stuck") as stuck,
        app.stream.attach("reader") as reader,
    ):
        assert viewer.read()["type"] == "hello"
        assert take(reader)["type"] == "hello"
        for number in range(1, 2 * QUEUE_FRAMES):
            origin.publish()
            assert take(reader)["seq"] == number
            assert viewer.read()["seq"] == number
        assert eventually(lambda: stuck.dropped)
        assert reader.dropped == 0
        assert stuck.end is None


def test_a_consumer_ends_with_the_app() -> None:
    """Its loop ends after the messages that wait for it."""
    with App(FAST) as app:
        consumer = app.stream.attach("recorder")
        app.close()
        types = [json.loads(message)["type"] for message in consumer]
        assert types[0] == "hello"
        assert consumer.end is End.GOING_AWAY
        consumer.close()
