"""One connection to a broker, with real and with hostile brokers: the hazards of paho-mqtt and of MQTT."""

from __future__ import annotations

import math
import os
import re
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry_stream.mqtt import session as session_module
from telemetry_stream.mqtt.packets import Message
from telemetry_stream.mqtt.session import Limits, Login, Session
from telemetry_stream.mqtt.waiter import Waiter
from tests.mqtt.mosquitto import mosquitto

LOGIN = Login("client", "", None, ("ts/1/a/b/state", b"lost"))
CONNACK = b"\x20\x02\x00\x00"


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    """An open waiter."""
    opened = Waiter()
    opened.open()
    yield opened
    opened.close()


def until(
    session: Session, condition: Callable[[], object], seconds: float = 20.0
) -> list[Message]:
    """Exchange until the condition is true, and return what arrived."""
    deadline, received = time.monotonic() + seconds, []
    while not condition():
        assert time.monotonic() < deadline, session.end
        assert session.end is None, session.end
        received += session.exchange(0.05)
    return received


@contextmanager
def connected(
    waiter: Waiter, answer: bytes = CONNACK, login: Login = LOGIN, **limits: int
) -> Iterator[tuple[Session, socket.socket]]:
    """Return a session with a broker that is only a socket, and that socket."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(20)
    session = Session(ours, login, waiter, Limits(**limits))
    try:
        theirs.recv(4096)
        theirs.sendall(answer)
        yield session, theirs
    finally:
        session.abort("test")
        theirs.close()


def test_it_publishes_and_receives(waiter: Waiter, tmp_path: Path) -> None:
    """With a real broker, also with more than 1024 open descriptors, for which select(2) cannot be used."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        with mosquitto(tmp_path) as broker:
            raw = socket.create_connection(("127.0.0.1", broker.port))
            assert raw.fileno() > 1024
            raw.setblocking(False)
            session = Session(raw, LOGIN, waiter)
            until(session, lambda: session.is_accepted)
            session.subscribe(["a/#"])
            session.publish_retained("a/b", b"1")
            session.publish("a/c", b"2")
            received: list[Message] = []
            while len(received) < 2:
                received += session.exchange(20.0)
            assert received == [Message("a/b", b"1", False), Message("a/c", b"2", False)]
            session.finish(5.0)
            assert session.end == "closed"
    finally:
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"\x20\x02\x00\x05", "refused the connection: Not authorized"),
        # Another version of the protocol: no second attempt.
        (b"\x20\x02\x00\x01", "connection was lost"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "does not answer",
        ),
        (b"\x20\xff\xff\xff\x7f", "more than 65536 bytes"),
        (CONNACK + b"\x34\x05\x00\x01a\x00\x01", "QoS 2"),
        (CONNACK + b"\x30\x01\x00", "invalid packet|connection was lost"),
        (CONNACK + b"\x30\x02\x00\x09", "invalid packet|connection was lost"),
        (CONNACK + b"\x90\x00", "invalid packet|connection was lost"),
        (CONNACK + b"\x00\x00", "connection was lost"),
    ],
)
def test_a_refusal_or_an_invalid_packet_ends_it(
    waiter: Waiter, monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str
) -> None:
    """With the reason, and without an exception."""
    monkeypatch.setattr(session_module, "ACCEPT_SECONDS", 0.5)
    with connected(waiter, answer) as (session, _):
        deadline = time.monotonic() + 20
        while session.end is None and time.monotonic() < deadline:
            session.exchange(0.05)
        assert session.end is not None
        assert re.search(reason, session.end), session.end


def test_a_broker_that_does_not_answer_connect_ends_it(
    waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen broker accepts TCP connections."""
    monkeypatch.setattr(session_module, "ACCEPT_SECONDS", 0.1)
    with connected(waiter, b"") as (session, _):
        while session.end is None:
            session.exchange(0.05)
        assert session.end == "it does not answer"


def test_a_broker_that_answers_no_ping_ends_it(waiter: Waiter) -> None:
    """After twice the keepalive."""
    with connected(waiter, keepalive_seconds=1) as (session, _):
        until(session, lambda: session.is_accepted)
        while session.end is None:
            session.exchange(0.1)
        assert session.end == "it does not answer"


def test_what_a_broker_does_not_read_is_not_queued(waiter: Waiter) -> None:
    """The socket's buffer is the queue: beyond it, one message waits and no other is sent."""
    with connected(waiter) as (session, _):
        until(session, lambda: session.is_accepted)
        sent = [session.publish("a", b"x" * 50_000) for _ in range(200)]
        assert session.has_unwritten
        assert sent == sorted(sent, reverse=True)
        assert not sent[-1]
        assert len(session._client._out_packet) == 1
        began = time.monotonic()
        session.finish(0.1)
        assert time.monotonic() - began < 5
        assert session.end == "closed"


def test_a_broker_that_asks_without_reading_gets_no_answers(waiter: Waiter) -> None:
    """Each ping of a broker is answered, so nothing is read while an answer is not written."""
    with connected(waiter) as (session, theirs):
        until(session, lambda: session.is_accepted)
        while session.publish("a", b"x" * 50_000):
            pass
        theirs.setblocking(False)
        try:
            while theirs.send(b"\xc0\x00" * 1000):
                session.exchange(0.0)
        except BlockingIOError:
            pass
        for _ in range(50):
            session.exchange(0.0)
        assert len(session._client._out_packet) <= 2


def test_a_flood_is_read_slowly(waiter: Waiter) -> None:
    """At most so many packets per second, so that it cannot use a core."""
    with connected(waiter) as (session, theirs):
        until(session, lambda: session.is_accepted)
        theirs.sendall(b"\x30\x04\x00\x01ax" * 50)
        assert len(session.exchange(20.0)) == 50
        assert session.exceeded_at == -math.inf
        threading.Thread(target=theirs.sendall, args=(b"\x30\x04\x00\x01ax" * 2000,)).start()
        began, received = time.monotonic(), 0
        while time.monotonic() < began + 0.5 or session.exceeded_at < began:
            assert time.monotonic() < began + 20
            received += len(session.exchange(0.05))
        seconds = int(time.monotonic()) - int(began) + 1  # whole ones, and the two at the ends
        assert received <= seconds * Limits().packets_per_second


def test_a_closed_connection_ends_it(waiter: Waiter) -> None:
    """And nothing is published any more."""
    with connected(waiter) as (session, theirs):
        until(session, lambda: session.is_accepted)
        theirs.close()
        while session.end is None:
            session.exchange(0.05)
        assert session.end == "the connection was lost"
        assert not session.publish("a", b"")


def test_one_read_is_enough_for_many_packets(waiter: Waiter) -> None:
    """One that is not complete waits for its rest. The time of the last bytes shows whether the broker works."""
    with connected(waiter) as (session, theirs):
        until(session, lambda: session.is_accepted)
        before = session.received_at
        packet = b"\x30\x04\x00\x01ax"
        theirs.sendall(packet * 50 + packet[:3])
        assert session.exchange(20.0) == [Message("a", b"x", False)] * 50
        assert session.received_at > before
        theirs.sendall(packet[3:])
        assert session.exchange(20.0) == [Message("a", b"x", False)]


def test_a_stream_without_a_pause_does_not_keep_the_thread(waiter: Waiter) -> None:
    """Packets across the end of a read continue with the next read, so there is always a part of one."""
    with connected(waiter, packets_per_second=1_000_000) as (session, theirs):
        until(session, lambda: session.is_accepted)
        packet = b"\x30\x04\x00\x01ax"
        sending = threading.Thread(target=theirs.sendall, args=(packet * 20_000,))
        sending.start()
        received = 0
        while received < 20_000:
            messages = session.exchange(20.0)
            assert len(messages) <= session_module.PACKETS_AT_ONCE
            received += len(messages)
        sending.join()


@pytest.mark.parametrize("limit", [64 * 1024, 128 * 1024])
def test_the_largest_message_is_a_parameter(waiter: Waiter, limit: int) -> None:
    """A front end gets larger ones than an agent. One that is too large ends nothing, and its payload is discarded."""
    packet = b"\x30\xf3\xc8\x05\x00\x01a" + bytes(91_248)
    with connected(waiter, packet_bytes=limit) as (session, theirs):
        until(session, lambda: session.is_accepted)
        sending = threading.Thread(target=theirs.sendall, args=(packet + b"\x30\x04\x00\x01bx",))
        sending.start()
        received: list[Message] = []
        while len(received) < 2:
            assert session.end is None
            received += session.exchange(1.0)
        sending.join()
    large = Message("a", b"", False, True) if limit < 91_251 else Message("a", bytes(91_248), False)
    assert received == [large, Message("b", b"x", False)]


def test_a_session_without_a_will(waiter: Waiter, tmp_path: Path) -> None:
    """A front end has none. What it has unsubscribed does not arrive any more."""
    with mosquitto(tmp_path) as broker:
        raw = socket.create_connection(("127.0.0.1", broker.port))
        raw.setblocking(False)
        session = Session(raw, Login("front", "", None, None), waiter)
        until(session, lambda: session.is_accepted)
        session.subscribe(["a", "b"])
        session.unsubscribe(["a"])
        session.publish("a", b"1")
        session.publish("b", b"2")
        received: list[Message] = []
        while not received:
            received += session.exchange(20.0)
        assert received == [Message("b", b"2", False)]
        session.finish(5.0)
