"""What an app says of what it died of, could not start for, or no longer does."""

from __future__ import annotations

import socket
import threading
import time
from types import SimpleNamespace
from typing import NoReturn

import pytest

from telemetry_stream import App, Settings
from telemetry_stream import app as app_module
from telemetry_stream.app import StartError
from telemetry_stream.hub import Hub
from telemetry_stream.net.listener import Listener
from telemetry_stream.stream import Stream
from tests.apps import FAST
from tests.conftest import eventually, our_threads
from tests.viewers import PATIENCE_SECONDS, address_of, bare_socket, get, upgrade_request


@pytest.mark.parametrize(
    ("thread", "owner", "method"),
    [
        ("ts-collect", Stream, "publish"),
        ("ts-hub", Hub, "_fan_out"),
        ("ts-accept", Listener, "_wait_for_somebody"),
    ],
)
def test_a_thread_that_dies_ends_wait(
    thread: str,
    owner: type,
    method: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing half-alive stays up: wait returns, failure holds the error, the log names the thread."""
    error = RuntimeError("injected")

    def die(*_: object) -> NoReturn:
        raise error

    with App(FAST) as app, bare_socket(app.url, upgrade_request()) as viewer:
        assert viewer.recv(12) == b"HTTP/1.1 101"
        assert app.failure is None
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        monkeypatch.setattr(owner, method, die)
        if thread == "ts-accept":
            socket.create_connection(address_of(app.url), PATIENCE_SECONDS).close()
        app.wait()
        assert app.failure is error
        if thread != "ts-accept":
            status, body = get(app.url, "/healthz")
            assert (status, "died" in body["error"]) == (503, True)
    assert f"thread {thread} died" in caplog.text


def test_the_first_failure_is_the_one_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What dies afterwards dies of that."""
    first = RuntimeError("first")
    app = App(FAST)
    for error in (first, RuntimeError("second")):
        app._fail(error)
    app.wait()
    app.close()
    assert app.failure is first


def test_a_port_in_use_is_a_start_error_and_leaves_no_thread() -> None:
    """One sentence that names the address; nothing of the app stays behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        before = our_threads()
        with pytest.raises(StartError, match=f"127.0.0.1 port {port}: Address already in use$"):
            App(Settings(port=port)).start()
        assert our_threads() == before


def test_a_name_that_is_none_is_a_start_error() -> None:
    """IDNA has no form for it, and its UnicodeError is no OSError."""
    with pytest.raises(StartError, match=r"cannot listen on a\.\.b port 0: not a host name$"):
        App(Settings(host="a..b", port=0, no_auth=True)).start()


def test_healthz_says_when_ticks_have_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """After three intervals without a sample, but not before five seconds."""
    with App(Settings(port=0, interval=60)) as app:
        assert eventually(lambda: app.stream.seq == 1)
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 170)
        monkeypatch.setattr("telemetry_stream.app.time", later)
        assert get(app.url, "/healthz") == (200, {"status": "ok"})
        later.monotonic = lambda: time.monotonic() + 190
        assert get(app.url, "/healthz") == (503, {"error": "no sample has been taken for 190 s"})
        monkeypatch.undo()


def test_an_accept_loop_that_hangs_is_said_and_delays_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where memory is out for a thread that has begun already: the watchdog hears of it, and close ends."""
    hung, let_go = threading.Event(), threading.Event()

    def hang(_: Listener, sock: socket.socket, __: str) -> None:
        with sock:
            hung.set()
            assert let_go.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(Listener, "_admit", hang)
    monkeypatch.setattr(app_module, "STUCK_SECONDS", 0.05)
    app = App(FAST)
    app.start()
    try:
        assert app.maybe_problem() is None
        with socket.create_connection(address_of(app.url), PATIENCE_SECONDS):
            assert hung.wait(PATIENCE_SECONDS)
            assert eventually(lambda: app.maybe_problem() == "no connection can be taken")
            began = time.monotonic()
            app.close()
            assert time.monotonic() - began < 4, "two are promised; the rest is for a busy machine"
    finally:
        let_go.set()
        app.close()
