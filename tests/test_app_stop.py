"""The end of an app: close tells every viewer and waits for no stuck one, and stop wakes all who wait."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from types import FrameType

import pytest

from telemetry_stream import App
from telemetry_stream.hub.client import QUEUE_FRAMES
from tests.apps import FAST
from tests.conftest import eventually
from tests.viewers import (
    PATIENCE_SECONDS,
    Viewer,
    address_of,
    bare_socket,
    clients,
    lines_reader,
    upgrade_request,
    websocket_client_viewer,
    websockets_viewer,
)


def test_close_may_be_called_twice_and_without_a_start() -> None:
    """The second call has nothing to do; an app that never ran has little."""
    app = App(FAST)
    app.start()
    app.close()
    app.close()
    unstarted = App(FAST)
    unstarted.close()
    unstarted.wait()
    with pytest.raises(RuntimeError, match="not been started"):
        _ = unstarted.url


def test_close_tells_every_reading_viewer_and_waits_for_no_stuck_one() -> None:
    """Viewers and connections of every kind at once: 1001 to all that read, and an end within two seconds."""
    with ExitStack() as stack:
        app = stack.enter_context(App(FAST))
        reading: list[Viewer] = [
            stack.enter_context(websockets_viewer(app.url)),
            stack.enter_context(websockets_viewer(app.url, "sections=load")),
            stack.enter_context(websocket_client_viewer(app.url, "history=10")),
        ]
        lines = stack.enter_context(lines_reader(app.url))
        idle = stack.enter_context(
            closing(http.client.HTTPConnection(*address_of(app.url), timeout=PATIENCE_SECONDS))
        )
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        half_a_head = stack.enter_context(bare_socket(app.url, b"GET / HTTP/1.1\r\nHost:"))
        silent = stack.enter_context(bare_socket(app.url))
        stack.enter_context(bare_socket(app.url, upgrade_request()))
        stack.enter_context(
            bare_socket(app.url, b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        )
        assert [viewer.read()["type"] for viewer in reading] == ["hello"] * 3
        readers = stack.enter_context(ThreadPoolExecutor())
        codes = [readers.submit(viewer.read_close_code) for viewer in reading]
        lines_read = readers.submit(list, lines)

        def stuck() -> int:
            app.stream.broadcast("filler", text="x" * 50_000)
            return sum(client["waiting_frames"] == QUEUE_FRAMES for client in clients(app.url))

        assert eventually(lambda: stuck() >= 2)
        began = time.monotonic()
        app.close()
        seconds = time.monotonic() - began
        assert [code.result(PATIENCE_SECONDS) for code in codes] == [1001] * 3
        assert lines_read.result(PATIENCE_SECONDS)[0]["type"] == "hello"
        assert idle.sock is None or idle.sock.recv(1) == b""
        assert half_a_head.recv(1) == b""
        assert silent.recv(1) == b""
        assert seconds < 4, "two are promised; the rest is for a busy machine"


def test_everybody_who_waits_is_woken_by_one_stop() -> None:
    """Wait may be called by several threads, and again afterwards."""
    with App(FAST) as app:
        waiting = [threading.Thread(target=app.wait) for _ in range(3)]
        for thread in waiting:
            thread.start()
        app.stop()
        for thread in waiting:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
        app.wait()


class Interruption:
    """A trace function that stops ``app`` when the traced thread is at its line number ``at``."""

    def __init__(self, app: App, at: int) -> None:
        self.lines = 0
        self._app = app
        self._at = at

    def __call__(self, _: FrameType, event: str, __: object) -> Interruption:
        if event == "line":
            self.lines += 1
            if self.lines == self._at:
                self._app.stop()
        return self


def test_stop_may_interrupt_wait_at_any_line() -> None:
    """A signal's handler runs between any two steps of the main thread, which may hold a lock just then."""
    traced = sys.gettrace()
    for line in range(1, 100):
        app = App(FAST)
        interruption = Interruption(app, line)
        reserve = threading.Timer(0.2, app.stop)  # ends the wait that has fewer lines than that
        reserve.start()
        sys.settrace(interruption)
        try:
            app.wait()
        finally:
            sys.settrace(traced)
            reserve.cancel()
            app.close()
        if interruption.lines < line:
            return
    pytest.fail("wait has more lines than can be")
