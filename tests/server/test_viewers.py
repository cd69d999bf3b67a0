"""Viewers: from the request over the slot and the pumps to the end, with real connections."""

from __future__ import annotations

import json
import logging
import re
import socket
from contextlib import ExitStack

import pytest

from telemetry_stream.access.login import CREDENTIAL
from telemetry_stream.hub import End
from telemetry_stream.net.wsgi import HIJACK, PeerGoneError
from telemetry_stream.server import viewers
from telemetry_stream.server.viewers import LINES
from telemetry_stream.stream import Choice
from tests.conftest import eventually
from tests.server.service import HOST, Service
from tests.websocket.bare import refuse_write_pumps
from tests.websocket.peer import CLOSE, KEY, Peer, closing, handshake

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Version": "13",
    "Sec_WebSocket_Key": KEY,
}


def test_viewers_of_both_kinds_share_the_limit() -> None:
    """A refused request is answered over HTTP. The slot is free again when a viewer has left."""
    with Service(limit=2) as service:
        with Peer(service.address) as first, Peer(service.address):
            for path, headers in (("/ws", UPGRADE), ("/api/v1/stream", {})):
                refused = service.ask(path, **headers)
                assert refused.status == 503
                assert refused.headers["Retry-After"] == "10"
                assert refused.json == {"error": "Viewer limit reached (2)"}
            assert service.viewers.refused == 2
            assert service.ask("/api/v1/clients").json["refused_viewers_total"] == 2
            first.send(closing(1000))
            assert first.skip_to(CLOSE)
            assert first.frames_to_end() == []
            assert eventually(lambda: len(service.report()) == 1)
            with Peer(service.address) as third:
                assert third.message()["type"] == "hello"
        assert service.viewers.wait_until_gone(10)
        assert service.viewers.refused == 2


def test_a_refused_handshake_takes_no_slot() -> None:
    """The request was wrong, so the limit is not reached afterwards."""
    with Service(limit=1) as service:
        for _ in range(3):
            assert service.ask("/ws", **{**UPGRADE, "Sec_WebSocket_Key": "short"}).status == 400
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"


def test_a_takeover_that_fails_releases_the_slot() -> None:
    """The peer is gone, so the head of the response cannot be sent."""

    def take_over(*_: object) -> None:
        raise PeerGoneError("connection reset")

    environ = {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "5", CREDENTIAL: None, HIJACK: take_over}
    with Service(limit=1) as service:
        with pytest.raises(PeerGoneError):
            service.viewers.serve(environ, LINES, Choice(LINES.framing, HOST.id), lambda *_: None)
        assert service.viewers.wait_until_gone(0)


def test_wait_until_gone_has_a_time_limit() -> None:
    """Without viewers it returns at once."""
    with Service() as service:
        assert service.viewers.wait_until_gone(0)
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"
            assert not service.viewers.wait_until_gone(0.01)
        assert service.viewers.wait_until_gone(10)


def test_the_report_has_an_entry_for_each_viewer() -> None:
    """Who it is, since when, what it has chosen, what it got and what was dropped."""
    with (
        Service() as service,
        Peer(service.address, "/ws?sections=cpu&every=2") as chooser,
        ExitStack() as stack,
    ):
        assert chooser.message()["type"] == "hello"  # now it has joined
        plain = stack.enter_context(Peer(service.address))
        assert plain.message()["type"] == "hello"
        service.publish(4)
        assert [chooser.message()["seq"] for _ in range(2)] == [2, 4]
        assert [plain.message()["seq"] for _ in range(4)] == [1, 2, 3, 4]
        assert eventually(lambda: sum(e["sent_frames"] for e in service.report()) == 8)
        first, second = service.report()
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


def test_the_end_of_a_viewer_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """With the reason, the time and the counts."""
    caplog.set_level(logging.INFO, "telemetry_stream.server")
    with Service() as service:
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"
            assert eventually(lambda: service.hub.stats().sent == 1)  # counted after the write
        assert service.viewers.wait_until_gone(10)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("Viewer ws1 127.0.0.1:")
    assert re.search(
        r" ended: gone after \d+\.\d s, 1 frames sent, 0 dropped$", record.getMessage()
    )


def test_lines_about_viewers_that_come_and_go_are_limited(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They do not hide a viewer that is too slow, which is a warning with a limit of its own."""
    caplog.set_level(logging.INFO, "telemetry_stream.server")
    monkeypatch.setattr(viewers, "ENDS_LOGGED", 2)
    with Service() as service:
        for _ in range(5):
            with Peer(service.address) as peer:
                assert peer.message()["type"] == "hello"
            assert service.viewers.wait_until_gone(10)
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"
            (client,) = service.hub.clients()
            client.close(End.SLOW_CONSUMER)
            assert service.viewers.wait_until_gone(10)
    assert [" ended: too slow" in message for message in caplog.messages] == [False, False, True]


def test_without_a_thread_the_viewer_gets_a_503(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It never joins the hub. Its slot is released, and with a thread the next viewer is served."""
    with Service(limit=1) as service:
        with monkeypatch.context() as out_of_threads:
            refuse_write_pumps(out_of_threads)
            for _ in range(3):
                refused = service.ask("/ws", **UPGRADE)
                assert refused.status == 503
                assert refused.headers["Retry-After"] == "10"
                assert "Content-Security-Policy" in refused.headers
                assert refused.json == {"error": "Out of threads"}
                assert service.viewers.wait_until_gone(10)
        # One line per minute, and none about an end.
        (record,) = (r for r in caplog.records if r.name.endswith(".viewers"))
        assert record.levelname == "ERROR"
        assert "out of threads" in record.getMessage()
        assert service.hub.stats().registered == 0
        with Peer(service.address) as peer:
            assert peer.message()["type"] == "hello"


def test_without_a_thread_a_viewer_that_has_left_releases_its_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The 503 cannot be sent to it."""
    with Service(limit=1) as service:
        refuse_write_pumps(monkeypatch)
        for _ in range(10):
            with socket.create_connection(service.address) as sock:
                sock.sendall(handshake())
        assert service.viewers.wait_until_gone(10)
