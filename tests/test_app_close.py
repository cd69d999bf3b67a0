"""The end of an app: ``close`` sends 1001 to every viewer and waits for no stuck one; ``stop`` ends every ``wait``."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from types import FrameType

import pytest

from telemetry_stream import App, Settings, threads
from telemetry_stream import app as app_module
from telemetry_stream.hub import pump
from telemetry_stream.hub.frame_queue import QUEUE_FRAMES
from tests.apps import FAST, OwnSource
from tests.conftest import eventually
from tests.viewers import (
    TIMEOUT_SECONDS,
    Viewer,
    address_of,
    bare_socket,
    clients,
    lines_reader,
    upgrade_request,
    websocket_client_viewer,
    websockets_viewer,
)
from tests.websocket.peer import CLOSE, TEXT, Frame, Peer

# ``close`` promises two seconds. The rest is for a busy machine.
MAX_CLOSE_SECONDS = 4.0


def test_close_is_safe_to_repeat_and_before_start() -> None:
    """``wait`` returns afterwards in both cases."""
    app = App(FAST)
    app.start()
    app.close()
    app.close()
    app.wait()
    unstarted = App(FAST)
    unstarted.close()
    unstarted.wait()


def connect_stuck(app: App) -> ExitStack:
    """Connect a stuck viewer of each kind, and fill their queues. They leave when the result is closed."""
    with ExitStack() as stack:
        lines = b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for request in (upgrade_request(), lines):
            stack.enter_context(bare_socket(app.url, request))

        def fill_queues() -> int:
            app.stream.broadcast("filler", text="x" * 50_000)
            return sum(client["waiting_frames"] == QUEUE_FRAMES for client in clients(app.url))

        assert eventually(lambda: fill_queues() >= 2)
        return stack.pop_all()


@pytest.fixture
def long_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of an app waits for its viewers, however slow this machine is."""
    monkeypatch.setattr(app_module, "CLOSE_SECONDS", 60.0)
    monkeypatch.setattr(app_module, "VIEWERS_CLOSE_SECONDS", 60.0)


@pytest.mark.usefixtures("long_close")
def test_close_sends_1001_to_viewers_that_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """With connections of every kind: viewers that read, stuck viewers, idle connections, half of a request."""
    monkeypatch.setattr(pump, "FINAL_SECONDS", 60.0)
    with ExitStack() as stack:
        app = stack.enter_context(App(FAST))
        reading: list[Viewer] = [
            stack.enter_context(websockets_viewer(app.url)),
            stack.enter_context(websockets_viewer(app.url, "sections=load")),
            stack.enter_context(websocket_client_viewer(app.url, "history=10")),
        ]
        lines = stack.enter_context(lines_reader(app.url))
        idle = stack.enter_context(
            closing(http.client.HTTPConnection(*address_of(app.url), timeout=TIMEOUT_SECONDS))
        )
        idle.request("GET", "/healthz")
        idle.getresponse().read()
        half_of_a_head = stack.enter_context(bare_socket(app.url, b"GET / HTTP/1.1\r\nHost:"))
        silent = stack.enter_context(bare_socket(app.url))
        assert [viewer.read()["type"] for viewer in reading] == ["hello"] * 3
        readers = stack.enter_context(ThreadPoolExecutor())
        codes = [readers.submit(viewer.read_close_code) for viewer in reading]
        lines_read = readers.submit(list, lines)
        with connect_stuck(app):
            closed = readers.submit(app.close)
            assert [code.result(TIMEOUT_SECONDS) for code in codes] == [1001] * 3
            assert not closed.done()  # it waits for the stuck viewers, and no other viewer did
        closed.result(TIMEOUT_SECONDS)
        assert lines_read.result(TIMEOUT_SECONDS)[0]["type"] == "hello"
        assert idle.sock is None or idle.sock.recv(1) == b""
        assert half_of_a_head.recv(1) == b""
        assert silent.recv(1) == b""


def test_close_does_not_wait_for_stuck_viewers() -> None:
    """Longer than it promises."""
    with App(FAST) as app, connect_stuck(app):
        began = time.monotonic()
        app.close()
        assert time.monotonic() - began < MAX_CLOSE_SECONDS


BYTES_AT_A_TIME = 4096
PAUSE_SECONDS = 0.04  # 100 KB/s: too slow to read all waiting frames in the second before the close


@pytest.mark.usefixtures("long_close")
def test_a_lagging_viewer_gets_whole_frames_and_the_close_frame() -> None:
    """Frames that it does not read in time are left out. None is cut off, and the last one is the close frame."""
    with (
        App(Settings(port=0, interval=0.1)) as app,
        Peer(address_of(app.url), "/ws?sections=load", buffer_bytes=4096) as peer,
    ):
        assert peer.message()["type"] == "hello"
        number = 0

        def is_lagging() -> bool:
            nonlocal number
            number += 1
            app.stream.broadcast("note", number=number, text="x" * 15_000)
            waiting: int = clients(app.url)[0]["waiting_frames"]
            return waiting >= 12

        assert eventually(is_lagging)
        frames: list[Frame] = []
        pause = threading.Event()

        def read_slowly() -> None:
            while (frame := peer.maybe_frame()) is not None:
                frames.append(frame)
                pause.wait(PAUSE_SECONDS * len(frame.payload) / BYTES_AT_A_TIME)

        reader = threads.start("ts-test-reader", read_slowly)
        app.close()
        reader.join(TIMEOUT_SECONDS)
        assert not reader.is_alive()
        assert {frame.opcode for frame in frames[:-1]} == {TEXT}
        messages = [json.loads(frame.payload) for frame in frames[:-1]]
        notes = [message["number"] for message in messages if message["type"] == "note"]
        assert notes == list(range(1, len(notes) + 1))
        assert (frames[-1].opcode, frames[-1].code) == (CLOSE, 1001)


@pytest.mark.usefixtures("long_close")
def test_close_does_not_wait_for_a_source_that_hangs() -> None:
    """Viewers get 1001, although the tick never ends."""
    hangs, release = threading.Event(), threading.Event()

    def hang() -> dict[str, int]:
        hangs.set()
        release.wait(TIMEOUT_SECONDS)
        return {}

    try:
        with (
            App(FAST, sources=[OwnSource("own", hang)]) as app,
            websockets_viewer(app.url) as viewer,
        ):
            assert viewer.read()["type"] == "hello"
            assert hangs.wait(TIMEOUT_SECONDS)
            began = time.monotonic()
            app.close()
            assert time.monotonic() - began < MAX_CLOSE_SECONDS
            assert viewer.read_close_code() == 1001
    finally:
        release.set()


def test_one_stop_ends_every_wait() -> None:
    """Several threads may wait, and one may wait again afterwards."""
    with App(FAST) as app:
        waiting = [threading.Thread(target=app.wait) for _ in range(3)]
        for thread in waiting:
            thread.start()
        app.stop()
        for thread in waiting:
            thread.join(TIMEOUT_SECONDS)
            assert not thread.is_alive()
        app.wait()


class Interruption:
    """A trace function that stops ``app`` when the traced thread reaches its line number ``at``."""

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
    """A signal handler runs between any two steps of the main thread, which may hold a lock at that moment."""
    traced = sys.gettrace()
    for line in range(1, 100):
        app = App(FAST)
        interruption = Interruption(app, line)
        fallback = threading.Timer(0.2, app.stop)  # ends a wait that has fewer lines
        fallback.start()
        sys.settrace(interruption)
        try:
            app.wait()
        finally:
            sys.settrace(traced)
            fallback.cancel()
            app.close()
        if interruption.lines < line:
            return
    pytest.fail("wait has more lines than expected")
