"""How many viewers there may be, what is told of them, and that each place is given back."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from telemetry_stream import threads
from tests.conftest import eventually, our_threads
from tests.net.pairs import read_to_end
from tests.server.service import Service
from tests.websocket.peer import CLOSE, KEY, Peer, closing, handshake

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": KEY,
}


def test_one_too_many_is_refused_until_a_place_is_free() -> None:
    """Either kind of viewer takes a place; the refusal is an answer of HTTP, and counted."""
    with Service(limit=2) as service:
        with Peer(service.address) as first, Peer(service.address):
            for path, headers in (("/ws", UPGRADE), ("/api/v1/stream", {})):
                refusal = service.ask(path, **headers)
                assert refusal.status == 503
                assert refusal.headers["Retry-After"] == "10"
                assert refusal.json == {"error": "there are 2 viewers, which is as many as may be"}
            assert service.viewers.refused == 2
            assert service.ask("/api/v1/clients").json["refused_viewers_total"] == 2
            first.send(closing(1000))
            assert first.skip_to(CLOSE)
            assert first.frames_to_end() == []
            assert eventually(lambda: len(service.viewers.report()) == 1)
            with Peer(service.address) as third:
                assert third.message()["type"] == "hello"
        assert service.viewers.wait_until_gone(10)
        assert service.viewers.refused == 2


def test_refusals_are_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The first says why; those that come soon after are only counted."""
    with Service(limit=1) as service, Peer(service.address):
        for _ in range(3):
            assert service.ask("/ws", **UPGRADE).status == 503
        assert service.viewers.refused == 3
    complaint = "viewer refused: there are 1, as many as may be"
    assert caplog.text.count(complaint) == 1


def test_wait_until_gone_has_a_limit() -> None:
    """And is true at once when nobody is there."""
    with Service() as service:
        assert service.viewers.wait_until_gone(0)
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"
            assert not service.viewers.wait_until_gone(0.01)
        assert service.viewers.wait_until_gone(10)


def test_report_tells_of_each_viewer() -> None:
    """In the order of their coming: who, since when, what it chose, what it got and lost."""
    with (
        Service() as service,
        Peer(service.address, "/ws?sections=cpu&every=2") as chooser,
        Peer(service.address) as plain,
    ):
        assert chooser.message()["type"] == "hello"
        assert plain.message()["type"] == "hello"
        service.publish(4)
        assert [chooser.message()["seq"] for _ in range(2)] == [2, 4]
        assert [plain.message()["seq"] for _ in range(4)] == [1, 2, 3, 4]
        assert eventually(lambda: sum(e["sent_frames"] for e in service.viewers.report()) == 8)
        first, second = service.viewers.report()
        host, port = chooser.sock.getsockname()
        assert first.pop("connected_seconds") >= 0
        assert first.pop("sent_bytes") > 500
        assert first == {
            "id": 1,
            "peer": f"{host}:{port}",
            "user": None,
            "kind": "websocket",
            "sections": ("cpu",),
            "every": 2,
            "sent_frames": 3,
            "dropped_frames": 0,
            "waiting_frames": 0,
        }
        assert (second["id"], second["sections"], second["sent_frames"]) == (2, None, 5)
        assert json.dumps(second)


def test_end_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """With the reason, the time and the counts."""
    caplog.set_level(logging.INFO, "telemetry_stream.server")
    with Service() as service:
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"
            assert eventually(lambda: service.hub.stats().sent == 1)  # counted after the write
        assert service.viewers.wait_until_gone(10)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("viewer ws1 127.0.0.1:")
    assert " ended: gone after 0." in record.getMessage()
    assert record.getMessage().endswith(" s, 1 frames sent, 0 dropped")


def without_write_pumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system have no thread for them, as at the limit of a container."""
    start = threads.start

    def refuse_write_pumps(
        name: str, target: Callable[..., object], *args: Any, **rest: Any
    ) -> Any:
        if name.endswith("-write"):
            raise RuntimeError("can't start new thread")
        return start(name, target, *args, **rest)

    monkeypatch.setattr(threads, "start", refuse_write_pumps)


def test_no_thread_for_the_pump(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The viewer gets a 503 of the right length, its place is free again, and the program lives on."""
    with Service(limit=1) as service:
        with monkeypatch.context() as out_of_threads:
            without_write_pumps(out_of_threads)
            for _ in range(3):
                refusal = service.ask("/ws", **UPGRADE)
                assert refusal.status == 503
                assert refusal.headers["Retry-After"] == "10"
                assert refusal.json == {"error": "no thread to give"}
                assert service.viewers.wait_until_gone(10)
        said = [record for record in caplog.records if record.name.endswith(".viewers")]
        assert [record.levelname for record in said] == [
            "ERROR"
        ]  # once a minute, and none has ended
        assert "can't start new thread" in said[0].getMessage()
        assert service.hub.stats().registered == 0
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"


def test_no_thread_and_nobody_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer that has left meanwhile changes nothing."""
    with Service(limit=1) as service:
        without_write_pumps(monkeypatch)
        for _ in range(10):
            with socket.create_connection(service.address) as sock:
                sock.sendall(handshake())
        assert service.viewers.wait_until_gone(10)


def test_names_of_threads_stay_short() -> None:
    """The ten thousandth viewer's too: threads.start refuses more than 15 bytes."""
    with Service() as service:
        service.viewers._numbers = iter(range(123_456_789, 123_456_799))  # type: ignore[assignment]
        before = our_threads()
        with Peer(service.address) as peer, socket.create_connection(service.address) as lines:
            assert peer.message()["type"] == "hello"
            lines.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert eventually(lambda: len(service.hub.clients()) == 2)
            names = {thread.name for thread in our_threads() - before}
            assert names == {"ts-ws6789-read", "ts-ws6789-write", "ts-lines6790"}
            assert [entry["id"] for entry in service.viewers.report()] == [123456789, 123456790]
            lines.shutdown(socket.SHUT_WR)
            service.hub.close()
            assert read_to_end(lines).startswith(b"HTTP/1.1 200 OK\r\n")
