"""Connection: the closing handshake from both sides, and that a close frame is the last frame."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed

from telemetry_stream import threads
from telemetry_stream.hub import End, pump
from telemetry_stream.websocket import frame as server_frame
from telemetry_stream.websocket.connection import Timing
from tests.conftest import eventually
from tests.net.pairs import soon
from tests.server.service import Service, message
from tests.websocket.bare import Bare, bare
from tests.websocket.peer import CLOSE, PING, PONG, TEXT, Peer, closing, frame


@contextmanager
def broadcasting(service: Service) -> Iterator[None]:
    """Publish a sample each millisecond."""
    stop = threading.Event()

    def publish() -> None:
        while not stop.wait(0.001):
            service.publish()

    thread = threads.start("ts-publish", publish)
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def write_late(connection: Bare) -> None:
    """Write as the hub's thread and the pumps do if they had begun just before the end of the client."""
    late = server_frame.text(b"late")
    connection.client.offer(late)
    with suppress(OSError):
        connection.transport.try_send(late)
    with suppress(OSError):
        connection.transport.send(late, soon())


# The close frame is the last frame.


def test_nothing_is_written_after_our_close_frame() -> None:
    """Neither a frame of the hub, nor a pong, nor a second close frame (RFC 6455 section 5.5.1)."""
    with bare(Timing(close=10.0)) as connection:
        connection.client.close(End.GOING_AWAY)
        assert connection.peer.skip_to(CLOSE).code == 1001
        write_late(connection)
        connection.peer.send(frame(PING, b"late") + closing(1000) + frame(PING, b"later"))
        connection.may_close.set()
        assert connection.peer.frames_to_end() == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(closing(1000), 1000, id="peer closes"),
        pytest.param(b"\x81\x02hi", 1002, id="unmasked frame"),
        pytest.param(frame(TEXT, b"x" * 513), 1009, id="long message"),
    ],
)
def test_nothing_is_written_after_the_close_frame_that_answers_the_peer(
    data: bytes, code: int
) -> None:
    """The same if the peer's close frame, or a rule that it broke, has started the closing."""
    with bare(Timing()) as connection:
        connection.peer.send(data)
        assert connection.peer.skip_to(CLOSE).code == code
        write_late(connection)
        connection.may_close.set()
        assert connection.peer.frames_to_end() == []


# The peer closes.


def test_a_close_frame_is_always_answered_with_its_code() -> None:
    """Fifty times during a broadcast. The stream ends after the reply, without a reset."""
    with Service() as service, broadcasting(service):
        for number in range(50):
            with Peer(service.address) as peer:
                assert peer.message()["type"] == "hello"
                peer.send(closing(3000 + number, b"bye"))
                assert peer.skip_to(CLOSE).code == 3000 + number
                assert peer.frames_to_end() == []
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"gone": 50}


def test_a_real_client_never_gets_1006() -> None:
    """The ``websockets`` package closes fifty times, and gets fifty replies.

    With a limit for its queue, it stops to read when the queue is full, and so does not find the reply.
    """
    codes = []
    with Service() as service, broadcasting(service):
        for number in range(50):
            with service.viewer(max_queue=None) as viewer:
                assert message(viewer)["type"] == "hello"
                viewer.close(4000 + number)
                codes.append(viewer.close_code)
    assert codes == list(range(4000, 4050))


def test_a_close_frame_without_a_code_is_answered_without_one() -> None:
    """RFC 6455 section 5.5.1 allows an empty close frame."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(frame(CLOSE))
        assert peer.skip_to(CLOSE).payload == b""
        assert peer.frames_to_end() == []


def test_input_after_the_peers_close_frame_is_ignored() -> None:
    """A ping behind it gets no pong, also if both are in one segment."""
    with Service() as service, Peer(service.address) as peer:
        peer.send(closing(1000) + frame(PING, b"late") + closing(1001))
        frames = peer.frames_to_end()
        assert {f.opcode for f in frames} <= {TEXT, CLOSE}
        assert [f.code for f in frames if f.opcode == CLOSE] == [1000]
        assert frames[-1].opcode == CLOSE


# We close.


def test_two_client_libraries_receive_1001_when_the_hub_closes() -> None:
    """With this code, a browser knows that it should connect again."""
    with Service() as service:
        with service.viewer() as viewer, service.other_viewer() as other:
            assert message(viewer)["type"] == "hello"
            assert other.recv_data()[0] == TEXT
            service.hub.close()
            with pytest.raises(ConnectionClosed) as closed:
                viewer.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "going away")
            assert other.recv_data() == (CLOSE, b"\x03\xe9going away")
        assert service.viewers.wait_until_gone(10)
        assert service.hub.stats().ended == {"going away": 2}


def test_a_viewer_that_joins_a_closed_hub_receives_1001() -> None:
    """Its handshake may have begun before the hub closed."""
    with Service() as service:
        service.hub.close()
        with Peer(service.address) as peer:
            assert peer.skip_to(CLOSE).code == 1001


def test_a_peer_that_does_not_answer_our_close_frame_is_disconnected() -> None:
    """The close deadline limits how long the connection waits for the reply."""
    with Service(timing=Timing(close=0.05)) as service, Peer(service.address) as peer:
        assert peer.message()["type"] == "hello"
        service.hub.close()
        assert [f.code for f in peer.frames_to_end()] == [1001]
        assert service.viewers.wait_until_gone(10)


def test_no_sample_follows_our_close_frame_during_a_broadcast() -> None:
    """Ten viewers are ended while the hub sends a sample each millisecond."""
    with Service(timing=Timing(close=0.2)) as service, broadcasting(service):
        for number in range(10):
            with Peer(service.address) as peer:
                assert peer.message()["type"] == "hello"
                peer.send(frame(PING))
                assert peer.skip_to(PONG)
                (client,) = service.hub.clients()
                client.close(End.GOING_AWAY)
                assert peer.skip_to(CLOSE).code == 1001
                peer.send(frame(PING, b"late") + closing(1000) + frame(PING, b"later"))
                assert peer.frames_to_end() == []
            assert service.viewers.wait_until_gone(10), number


def test_waiting_frames_are_sent_before_our_close_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """A viewer whose queue is half full when the server stops loses nothing, if it reads."""
    monkeypatch.setattr(pump, "FINAL_SECONDS", 30.0)
    with Service() as service, Peer(service.address, buffer_bytes=4096) as peer:
        assert peer.message()["type"] == "hello"
        (client,) = service.hub.clients()
        texts: list[str] = []
        while client.queue.qsize() < 8:
            texts.append(f"{len(texts)} " + "x" * 20_000)
            service.stream.broadcast("note", text=texts[-1])
            assert service.hub.is_responsive(10)
        assert client.end is None
        service.hub.close()
        frames = peer.frames_to_end()
        assert [json.loads(f.payload)["text"] for f in frames[:-1]] == texts
        assert frames[-1].code == 1001
        assert client.dropped == 0


def test_a_stalled_peer_does_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its write pump is blocked in a write. Shutting down the transports wakes it."""
    monkeypatch.setattr(pump, "FINAL_SECONDS", 30.0)
    with (
        Service(timing=Timing(close=0.05)) as service,
        Peer(service.address, buffer_bytes=4096) as peer,
    ):
        assert peer.message()["type"] == "hello"
        (client,) = service.hub.clients()
        while not eventually(lambda: client.dropped, 0.01):
            service.publish(20, pad=64 * 1024)
        service.hub.close()
        assert not service.viewers.wait_until_gone(0.02)
        service.end_connections()
        assert service.viewers.wait_until_gone(0)
