"""Refuser: its answers arrive, what it holds is bounded, and one descriptor is enough for it."""

from __future__ import annotations

import json
import resource
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import h11
import pytest

from telemetry_stream.net import refuser as refuser_module
from telemetry_stream.net.refuser import Refuser, refusal
from tests.net import descriptors
from tests.net.conversation import HOST, statuses
from tests.net.pairs import read_to_end, tcp_pair

TOO_MANY = refusal("503 Service Unavailable", "too many connections")


@contextmanager
def waiting(count: int) -> Iterator[tuple[socket.socket, list[socket.socket]]]:
    """A listening socket and so many clients that nobody has accepted yet."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listening.setblocking(False)
        clients = [
            stack.enter_context(socket.create_connection(listening.getsockname(), 10))
            for _ in range(count)
        ]
        yield listening, clients


def test_answer_survives_what_comes_late() -> None:
    """The socket lingers, so that a request behind the refusal is no broken pipe and no reset."""
    accepted, client = tcp_pair()
    with closing(Refuser()) as refuser, client:
        refuser.refuse(accepted, TOO_MANY)
        client.sendall(b"GET /" + HOST)
        assert statuses(read_to_end(client)) == [503]
        client.sendall(b"more")
        refuser.tidy()
        assert accepted.fileno() >= 0
        assert refuser.refused == 1


def test_no_answer_is_an_end_only() -> None:
    """What has begun to shake hands would take no answer for one."""
    accepted, client = tcp_pair()
    with closing(Refuser()) as refuser, client:
        refuser.refuse(accepted, b"")
        assert read_to_end(client) == b""


def test_a_peer_that_is_gone() -> None:
    """It is refused like any other, and its reset goes no further."""
    accepted, client = tcp_pair()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with closing(Refuser()) as refuser:
        refuser.refuse(accepted, TOO_MANY)
        assert refuser.refused == 1


def test_those_that_linger_are_few_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest makes room for one too many; ``tidy`` closes who has had his time, and then there is no haste."""
    monkeypatch.setattr(refuser_module, "MAX_LINGERING", 2)
    pairs = [tcp_pair() for _ in range(5)]
    with closing(Refuser()) as refuser:
        for accepted, _ in pairs:
            refuser.refuse(accepted, TOO_MANY)
        assert [accepted.fileno() < 0 for accepted, _ in pairs] == [True] * 3 + [False] * 2
        assert refuser.patience_milliseconds() == 1000
        monkeypatch.setattr(refuser_module, "LINGER_SECONDS", 0.0)
        refuser.tidy()
        assert refuser.patience_milliseconds() is None
    for accepted, client in pairs:
        assert accepted.fileno() < 0
        client.close()


def test_those_that_linger_go_when_their_descriptors_are_needed() -> None:
    """It says whether that has been of use."""
    accepted, client = tcp_pair()
    with closing(Refuser()) as refuser, client:
        assert not refuser.let_go()
        refuser.refuse(accepted, TOO_MANY)
        assert refuser.let_go()
        assert accepted.fileno() < 0


def test_one_descriptor_answers_one_after_the_other() -> None:
    """Whether their request has come or not; and each time it is there again."""
    with waiting(20) as (listening, clients), closing(Refuser()) as refuser:
        for client in clients[::2]:
            client.sendall(b"GET /" + HOST)
        with descriptors.none_left():
            for _ in clients:
                with pytest.raises(OSError, match="Too many open files"):
                    listening.accept()
                assert refuser.refuse_next(listening, TOO_MANY)
            for client in clients:
                assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0  # no reset
                assert statuses(read_to_end(client)) == [503]
            assert not refuser.refuse_next(listening, TOO_MANY)  # nobody is left
            with pytest.raises(OSError, match="Too many open files"):
                socket.socket()
        assert refuser.refused == 20


def test_a_reserve_that_was_lost_comes_back() -> None:
    """Another thread may be quicker to take a descriptor that is free for a moment."""
    with waiting(1) as (listening, clients), closing(Refuser()) as refuser:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))  # so that the one given up is none
        try:
            assert not refuser.refuse_next(listening, TOO_MANY)
            refuser.tidy()
            assert not refuser.refuse_next(listening, TOO_MANY)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert not refuser.refuse_next(listening, TOO_MANY)
        refuser.tidy()
        with descriptors.none_left():
            assert refuser.refuse_next(listening, TOO_MANY)
        assert statuses(read_to_end(clients[0])) == [503]


def test_closing_twice() -> None:
    """The second time there is nothing left to close, and the descriptor is somebody else's."""
    refuser = Refuser()
    refuser.close()
    with socket.create_server(("127.0.0.1", 0)) as other:
        refuser.close()
        assert other.getsockname()[1] > 0


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
def test_a_refusal_is_a_whole_response(status: str) -> None:
    """h11 reads it to its end; it has Retry-After, the headers given and a JSON error."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(refusal(status, 'too "many"', (("X-Policy", "strict"),)))
    head, body, end = (client.next_event() for _ in range(3))
    assert isinstance(head, h11.Response)
    assert isinstance(body, h11.Data)
    assert isinstance(end, h11.EndOfMessage)
    assert head.status_code == int(status[:3])
    assert json.loads(bytes(body.data)) == {"error": 'too "many"'}
    assert (b"x-policy", b"strict") in list(head.headers)
    assert (b"retry-after", b"10") in list(head.headers)
    assert client.trailing_data == (b"", False)
