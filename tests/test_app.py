"""The program as a library: it serves, takes sources and broadcasts, ends politely, and says what it died of."""

from __future__ import annotations

import http.client
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from types import FrameType, SimpleNamespace
from typing import NoReturn

import psutil
import pytest

from telemetry_stream import App, Settings
from telemetry_stream.app import StartError
from telemetry_stream.hub import Hub
from telemetry_stream.hub.client import QUEUE_FRAMES
from telemetry_stream.metrics.clock import Now
from telemetry_stream.net.address import is_loopback
from telemetry_stream.net.listener import Listener
from telemetry_stream.stream import Stream
from tests.conftest import eventually, our_threads
from tests.viewers import (
    PATIENCE_SECONDS,
    Message,
    Viewer,
    address_of,
    assert_consecutive,
    bare_socket,
    clients,
    get,
    lines_reader,
    read_samples,
    seqs,
    upgrade_request,
    websocket_client_viewer,
    websockets_viewer,
)

FAST = Settings(port=0, interval=0.1)


class Own:
    """An embedding program's source that does as it is told."""

    def __init__(self, name: str, collect: Callable[[], object]) -> None:
        self.name = name
        self._collect = collect

    def collect(self, now: Now) -> object | None:
        return self._collect()


def blunder() -> NoReturn:
    """What an embedding program's source may do."""
    raise ZeroDivisionError("the embedding program's own mistake")


def latest(app: App) -> Message:
    """The newest sample, once there is one."""
    assert eventually(lambda: app.stream.seq > 0)
    status, sample = get(app.url, "/api/v1/sample")
    assert status == 200
    found: Message = sample
    return found


def test_serves_between_enter_and_exit() -> None:
    """Inside the with a viewer gets this host's samples one by one; after it nobody listens any more."""
    with App(FAST) as app:
        url = app.url
        with websockets_viewer(url) as viewer:
            hello = viewer.read()
            assert (hello["type"], hello["stream"]) == ("hello", app.stream.id)
            samples = read_samples(viewer, 4)
    assert_consecutive(seqs(samples))
    assert samples[-1]["cpu"]["online_count"] >= 1
    assert samples[-1]["self"]["viewers"] == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address_of(url), PATIENCE_SECONDS)


def test_own_sources_are_sections_of_every_sample() -> None:
    """A dict arrives as it is, and None is an absence."""
    sources = [
        Own("uploads", lambda: {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}),
        Own("nothing", lambda: None),
    ]
    with App(FAST, sources=sources) as app:
        sample = latest(app)
        _, chosen = get(app.url, "/api/v1/sample?sections=uploads")
    assert sample["uploads"] == {"waiting": 3, "late": None, "of": ["a", {"b": 1.5}]}
    assert sample["sources"]["uploads"]["state"] == "ok"
    assert "nothing" not in sample
    assert sample["sources"]["nothing"]["state"] == "absent"
    assert list(chosen["sources"]) == ["uploads"]


@pytest.mark.parametrize(
    ("collect", "reason"),
    [
        (blunder, "the embedding program's own mistake"),
        (lambda: {"ratio": float("nan")}, "JSON"),
        (lambda: {"when": object()}, "JSON"),
    ],
    ids=["raises", "nan", "no JSON"],
)
def test_a_failing_source_costs_its_own_section_only(
    collect: Callable[[], object], reason: str
) -> None:
    """Its state says why; every other section is there, the program's own and the embedding one's."""
    sources = [Own("broken", collect), Own("whole", lambda: {"n": 1})]
    with App(FAST, sources=sources) as app:
        sample = latest(app)
        assert get(app.url, "/healthz")[0] == 200
    assert "broken" not in sample
    assert sample["sources"]["broken"]["state"] == "failed"
    assert reason in sample["sources"]["broken"]["reason"]
    assert sample["whole"] == {"n": 1}
    assert sample["sources"]["cpu"]["state"] == "ok"


@pytest.mark.parametrize("names", [("cpu",), ("seq",), ("mine", "mine")])
def test_a_name_clash_is_an_error_and_leaves_no_thread(names: tuple[str, ...]) -> None:
    """Neither a section nor a field of the sample can be had twice."""
    before = our_threads()
    with pytest.raises(ValueError, match=names[0]):
        App(FAST, sources=[Own(name, dict) for name in names])
    assert our_threads() == before


def test_own_broadcasts_reach_every_viewer_in_order() -> None:
    """Whatever a viewer has chosen, by WebSocket or lines; they keep their order and are not remembered."""
    with App(FAST) as app, ExitStack() as stack:
        viewers: list[Viewer] = [
            stack.enter_context(websockets_viewer(app.url)),
            stack.enter_context(websocket_client_viewer(app.url, "sections=udp&every=1000")),
        ]
        lines = stack.enter_context(lines_reader(app.url, "every=1000"))
        readers: list[Callable[[], Message]] = [
            *(viewer.read for viewer in viewers),
            lambda: next(lines),
        ]
        assert [read()["type"] for read in readers] == ["hello"] * 3
        count = 12  # a burst of more than a viewer's queue holds may be thinned
        for number in range(count):
            app.stream.broadcast("note", number=number, text="déjà vu")
        for read in readers:
            notes: list[Message] = []
            while len(notes) < count:
                message = read()
                if message["type"] == "note":
                    notes.append(message)
            assert [note["number"] for note in notes] == list(range(count))
            assert notes[0] == {"type": "note", "number": 0, "text": "déjà vu"}
        with websockets_viewer(app.url, "history=60&every=1000") as late:
            assert [late.read()["type"], late.read()["type"]] == ["hello", "history"]
        assert {sample["type"] for sample in get(app.url, "/api/v1/history")[1]["samples"]} == {
            "sample"
        }


def test_broadcast_refuses_what_viewers_could_not_read() -> None:
    """The stream's own types, a second type, and what is no JSON, before anything is sent."""
    with App(FAST) as app:
        for type_, fields in (
            ("sample", {}),
            ("hello", {}),
            ("history", {}),
            ("note", {"type": "hello"}),
            ("note", {"value": float("inf")}),
            ("note", {"value": object()}),
        ):
            with pytest.raises(ValueError, match=r"type|JSON"):
                app.stream.broadcast(type_, **fields)


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


def test_an_ipv6_address_is_bracketed_in_the_url() -> None:
    """It is given without brackets and served with them."""
    with App(Settings(host="::1", port=0, interval=0.1)) as app:
        assert app.url.startswith("http://[::1]:")
        with websockets_viewer(app.url) as viewer:
            assert viewer.read()["type"] == "hello"


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


def test_two_apps_in_one_process_do_not_know_of_each_other() -> None:
    """Each has its numbers, its viewers and its end."""
    with App(FAST) as first, ExitStack() as stack:
        with App(FAST) as second:
            assert first.stream.id != second.stream.id
            ours = stack.enter_context(websockets_viewer(first.url))
            theirs = stack.enter_context(websockets_viewer(second.url))
            assert [ours.read()["stream"], theirs.read()["stream"]] == [
                first.stream.id,
                second.stream.id,
            ]
            second.stream.broadcast("only", where="second")
            messages = [theirs.read() for _ in range(5)]
            assert {"type": "only", "where": "second"} in messages
            assert [len(clients(app.url)) for app in (first, second)] == [1, 1]
        assert theirs.read_close_code() == 1001
        samples = read_samples(ours, 5)
        assert_consecutive(seqs(samples))
        assert all(sample["stream"] == first.stream.id for sample in samples)


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


def test_connections_per_address_are_those_of_the_settings() -> None:
    """Not by connecting: a test comes from loopback, which has no such limit."""
    with App(Settings(port=0, max_connections_per_address=2, trust_proxy="192.0.2.1")) as app:
        assert app._listener is not None
        assert (places := app._listener._per_address) is not None
        assert [places.take("192.0.2.2") for _ in range(3)] == [True, True, False]
        assert all(places.take(many) for many in ("192.0.2.1", "127.0.0.1") for _ in range(3))


def maybe_reachable_address() -> str | None:
    """An address of this host that is not loopback."""
    addresses = [a for found in psutil.net_if_addrs().values() for a in found]
    ours = [a.address for a in addresses if a.family == socket.AF_INET]
    return next((address for address in ours if not is_loopback(address)), None)


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_proxy_elsewhere_stands_for_many_if_it_is_trusted(is_trusted: bool) -> None:
    """Then its connections have no limit, and whoever it names has his own; else it is one address like any other."""
    if (proxy := maybe_reachable_address()) is None:
        pytest.skip("this host has no address but loopback")
    settings = Settings(
        host=proxy,
        port=0,
        no_auth=True,
        trust_proxy=proxy if is_trusted else "",
        max_connections_per_address=2,
        max_viewers_per_address=1,
    )

    def come(client: str) -> bytes:
        request = upgrade_request()[:-2] + f"X-Forwarded-For: {client}\r\n\r\n".encode()
        return stack.enter_context(bare_socket(app.url, request)).recv(12)

    with App(settings) as app, ExitStack() as stack:
        statuses = [come(f"192.0.2.{number}")[-3:] for number in (1, 2, 3, 4, 1)]
    assert statuses == (
        [b"101"] * 4 + [b"429"] if is_trusted else [b"101", b"429", b"429", b"429", b"429"]
    )
