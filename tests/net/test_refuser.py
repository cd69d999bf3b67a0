"""Refuser: its responses arrive, it holds few sockets for a short time, and one descriptor is enough for it."""

from __future__ import annotations

import resource
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from telemetry_stream.net import refuser as refuser_module
from telemetry_stream.net.answer import refusal
from telemetry_stream.net.refuser import Refuser
from tests.net import descriptors
from tests.net.conversation import HOST, statuses
from tests.net.pairs import read_to_end, tcp_pair

RESPONSE = refusal("503 Service Unavailable", "too many connections", ())


@contextmanager
def waiting(count: int) -> Iterator[tuple[socket.socket, list[socket.socket]]]:
    """Yield a listening socket, and so many clients that have not been accepted."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listening.setblocking(False)
        clients = [
            stack.enter_context(socket.create_connection(listening.getsockname(), 10))
            for _ in range(count)
        ]
        yield listening, clients


def test_input_after_the_response_causes_no_reset() -> None:
    """The socket lingers, so a client that sends its request late still reads the response."""
    accepted, client = tcp_pair()
    with closing(Refuser()) as refuser, client:
        refuser.refuse(accepted, RESPONSE)
        client.sendall(b"GET /" + HOST)
        assert statuses(read_to_end(client)) == [503]
        client.sendall(b"more")
        refuser.close_expired()
        assert accepted.fileno() >= 0
        assert refuser.refused == 1


def test_empty_response_only_ends_the_stream() -> None:
    """For TLS: a client in a handshake could not read a response."""
    accepted, client = tcp_pair()
    with closing(Refuser()) as refuser, client:
        refuser.refuse(accepted, b"")
        assert read_to_end(client) == b""
        assert refuser.refused == 1


def test_peer_that_has_left_is_refused_like_any_other() -> None:
    """Its reset raises nothing."""
    accepted, client = tcp_pair()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with closing(Refuser()) as refuser:
        refuser.refuse(accepted, RESPONSE)
        assert refuser.refused == 1


def test_few_sockets_linger_and_only_for_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many closes the oldest; close_expired closes the others after their time."""
    monkeypatch.setattr(refuser_module, "MAX_LINGERING", 2)
    pairs = [tcp_pair() for _ in range(5)]
    with closing(Refuser()) as refuser:
        assert refuser.timeout_milliseconds() is None
        for accepted, _ in pairs:
            refuser.refuse(accepted, RESPONSE)
        assert [accepted.fileno() < 0 for accepted, _ in pairs] == [True] * 3 + [False] * 2
        assert refuser.timeout_milliseconds() == 1000
        refuser.close_expired()
        assert refuser.timeout_milliseconds() == 1000
        monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 0.0)
        refuser.close_expired()
        assert refuser.timeout_milliseconds() is None
    for accepted, client in pairs:
        assert accepted.fileno() < 0
        client.close()


def test_lingering_sockets_are_closed_when_their_descriptors_are_needed() -> None:
    """The return value tells whether that has freed any."""
    accepted, client = tcp_pair()
    with closing(Refuser()) as refuser, client:
        assert not refuser.close_lingering()
        refuser.refuse(accepted, RESPONSE)
        assert refuser.close_lingering()
        assert accepted.fileno() < 0


def test_one_descriptor_answers_one_connection_after_another() -> None:
    """With and without a request that has arrived; each time the descriptor is reserved again."""
    with waiting(20) as (listening, clients), closing(Refuser()) as refuser:
        for client in clients[::2]:
            client.sendall(b"GET /" + HOST)
        with descriptors.none_left():
            for _ in clients:
                with pytest.raises(OSError, match="Too many open files"):
                    listening.accept()
                assert refuser.refuse_with_reserve(listening, RESPONSE)
            for client in clients:
                assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0  # no reset
                assert statuses(read_to_end(client)) == [503]
            assert not refuser.refuse_with_reserve(listening, RESPONSE)  # none is waiting
            with pytest.raises(OSError, match="Too many open files"):
                socket.socket()
        assert refuser.refused == 20


def test_lost_reserve_is_opened_again_later() -> None:
    """Another thread may take the descriptor in the moment in which it is free."""
    with waiting(1) as (listening, clients), closing(Refuser()) as refuser:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))  # the freed one cannot be used again
        try:
            assert not refuser.refuse_with_reserve(listening, RESPONSE)
            refuser.close_expired()
            assert not refuser.refuse_with_reserve(listening, RESPONSE)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not refuser.refuse_with_reserve(listening, RESPONSE)
        refuser.close_expired()
        with descriptors.none_left():
            assert refuser.refuse_with_reserve(listening, RESPONSE)
        assert statuses(read_to_end(clients[0])) == [503]


def test_second_close_does_nothing() -> None:
    """By then, the descriptor's number may be used by another socket."""
    refuser = Refuser()
    refuser.close()
    with socket.create_server(("127.0.0.1", 0)) as other:
        refuser.close()
        assert other.getsockname()[1] > 0
