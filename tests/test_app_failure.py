"""A running app that fails: a thread dies, which ends ``wait``, or a thread hangs, which is reported as a problem."""

from __future__ import annotations

import errno
import re
import socket
import threading
import time
from collections.abc import Callable, Collection
from typing import Any, NoReturn

import pytest

from telemetry_stream import App, threads
from telemetry_stream import app as app_module
from telemetry_stream.hub import Client, write_pump
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.metrics.sample import Sample
from telemetry_stream.stream import Choice, Framing, origin
from tests.apps import FAST
from tests.conftest import eventually
from tests.viewers import TIMEOUT_SECONDS, address_of, get

FRAMING = Framing(bytes, iter)


def join_client(app: App, try_send: Callable[[bytes], int]) -> None:
    """Join a client whose ``try_send`` is called on the hub's thread, once the write pump has sent its first frames."""
    client = Client(try_send, topic=Choice(FRAMING, app.stream.feed().host.id))
    app.stream.feed().join(client, None)
    threads.start("ts-test-pump", write_pump, client, lambda frame, deadline: None)


# A thread that dies.


def test_the_death_of_the_collector_s_thread_ends_the_app(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``wait`` returns, ``failure`` is the error, and the log names the thread. Meanwhile /healthz reports it."""

    def fail(*_: object) -> NoReturn:
        raise LookupError("injected")

    with App(FAST) as app:
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        assert app.failure is None
        monkeypatch.setattr(Collector, "collect", fail)
        app.wait()
        assert repr(app.failure) == "LookupError('injected')"
        assert get(app.url, "/healthz") == (503, {"error": "a thread of the program has crashed"})
    assert "ts-collect" in caplog.text


def test_the_death_of_the_hub_s_thread_ends_the_app(caplog: pytest.LogCaptureFixture) -> None:
    """As when a client's send fails in a way that nobody expected."""
    error = LookupError("injected")

    def fail(_: bytes) -> NoReturn:
        raise error

    with App(FAST) as app:
        join_client(app, fail)
        app.wait()
        assert app.failure is error
        assert get(app.url, "/healthz") == (503, {"error": "a thread of the program has crashed"})
    assert "ts-hub" in caplog.text


def test_the_death_of_the_accept_thread_ends_the_app(caplog: pytest.LogCaptureFixture) -> None:
    """As when the listening socket is shut down from outside, which accept(2) reports as EINVAL."""
    listening = socket.create_server(("127.0.0.1", 0))
    with App(FAST, listening=listening) as app:
        listening.shutdown(socket.SHUT_RDWR)
        app.wait()
        assert isinstance(app.failure, OSError)
        assert app.failure.errno == errno.EINVAL
    assert "ts-accept" in caplog.text


# A thread that hangs.


def test_a_late_tick_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """By /healthz, from the fifth second on, until the next sample. Here a kernel file does not answer."""
    hangs, release = threading.Event(), threading.Event()
    collect = Collector.collect

    def hang(collector: Collector, wanted: Collection[str]) -> Sample:
        if hangs.is_set():
            release.wait(TIMEOUT_SECONDS)
        return collect(collector, wanted)

    monkeypatch.setattr(Collector, "collect", hang)
    with App(FAST) as app:
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        hangs.set()
        monkeypatch.setattr(origin, "LATE_SECONDS", 1.0)  # only to shorten the test
        assert eventually(lambda: get(app.url, "/healthz")[0] == 503)
        error = get(app.url, "/healthz")[1]["error"]
        assert re.fullmatch(r"no sample has been taken for \d+ s", error)
        hangs.clear()
        release.set()
        assert eventually(lambda: get(app.url, "/healthz")[0] == 200)


def test_a_hub_that_hangs_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's send that blocks in spite of its contract stops the hub for all clients."""
    hangs, release = threading.Event(), threading.Event()

    def block(frame: bytes) -> int:
        hangs.set()
        release.wait(TIMEOUT_SECONDS)
        return len(frame)

    with App(FAST) as app:
        assert app.maybe_problem() is None
        join_client(app, block)
        assert hangs.wait(TIMEOUT_SECONDS)
        with monkeypatch.context() as patch:
            patch.setattr(app_module, "STUCK_SECONDS", 0.05)  # only to shorten the test
            assert app.maybe_problem() == "the hub does not respond"
        release.set()
        assert app.maybe_problem() is None


class SlowConnections(socket.socket):
    """A listening socket on loopback. The address of a peer is known only after ``release``."""

    def __init__(self) -> None:
        super().__init__()
        self.bind(("127.0.0.1", 0))
        self.hangs = threading.Event()
        self.release = threading.Event()

    def accept(self) -> tuple[socket.socket, Any]:
        sock, peer = super().accept()
        return SlowConnection(sock.detach(), self), peer


class SlowConnection(socket.socket):
    def __init__(self, fileno: int, listening: SlowConnections) -> None:
        super().__init__(fileno=fileno)
        self._listening = listening

    def getpeername(self) -> Any:
        self._listening.hangs.set()
        assert self._listening.release.wait(TIMEOUT_SECONDS)
        return super().getpeername()


def test_an_accept_thread_that_hangs_is_reported_and_does_not_delay_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It can hang in the start of a connection's thread when the system has no memory left."""
    monkeypatch.setattr(app_module, "STUCK_SECONDS", 0.05)  # only to shorten the test
    listening = SlowConnections()
    app = App(FAST, listening=listening)
    app.start()
    try:
        with socket.create_connection(address_of(app.url), TIMEOUT_SECONDS):
            assert listening.hangs.wait(TIMEOUT_SECONDS)
            assert eventually(lambda: app.maybe_problem() == "no connection can be accepted")
            began = time.monotonic()
            app.close()
            assert time.monotonic() - began < 4, "two are promised; the rest is for a busy machine"
    finally:
        listening.release.set()
        app.close()
