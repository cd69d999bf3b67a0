"""The poller: readiness, deadlines, ends, and one thread at a time."""

from __future__ import annotations

import math
import select
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from telemetry_stream.net import permit
from telemetry_stream.net import poller as poller_module
from telemetry_stream.net.poller import Poller
from tests.conftest import eventually
from tests.net.pairs import soon, tcp_pair


@pytest.fixture(autouse=True)
def _none_is_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread keeps the permit, also while the machine is busy with other work."""
    for module in (permit, poller_module):
        monkeypatch.setattr(module, "HUNG_SECONDS", 600.0)


@pytest.fixture
def poller() -> Iterator[Poller]:
    """A started poller."""
    poller = Poller()
    poller.start()
    yield poller
    poller.permits.release()
    poller.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    accepted, connected = tcp_pair(send_bytes=4096)
    with accepted, connected:
        accepted.setblocking(False)
        yield accepted, connected


Pair = tuple[socket.socket, socket.socket]


def waits(poller: Poller, count: int) -> bool:
    """Whether so many threads wait for sockets, within the usual deadline."""
    return eventually(lambda: sum(map(len, poller._waiting.values())) == count)


def fill(sock: socket.socket) -> None:
    """Write until the socket takes nothing, also after the kernel has moved bytes to the peer."""
    while select.select([], [sock], [], 0.2)[1]:
        try:
            sock.send(bytes(65536))
        except BlockingIOError:
            continue


def test_a_thread_wakes_up_with_the_permit_when_its_socket_is_ready(
    poller: Poller, pair: Pair
) -> None:
    """It does not have the permit while it waits, and can wait again and again."""
    accepted, connected = pair

    def send() -> None:
        with poller.permits:
            connected.send(b"x")

    poller.permits.acquire()
    for _ in range(3):
        helper = threading.Thread(target=send)
        helper.start()
        assert poller.wait(accepted.fileno(), select.POLLIN, soon())
        assert poller.permits.held
        assert accepted.recv(10) == b"x"
        helper.join(10)


@pytest.mark.parametrize("deadline", [0.0, 0.01, 0.12])
def test_a_wait_ends_at_its_deadline(poller: Poller, pair: Pair, deadline: float) -> None:
    """Not before it. Afterwards the thread has the permit as well, and nothing is left of the wait."""
    until = time.monotonic() + deadline
    assert not poller.wait(pair[0].fileno(), select.POLLIN, until)
    assert time.monotonic() >= until
    assert poller.permits.held
    assert (poller._waiting, poller._expiring, poller._ends) == ({}, {}, [])


def test_an_earlier_deadline_is_noticed_during_a_long_wait(poller: Poller, pair: Pair) -> None:
    """And the long wait still ends when its socket is ready."""
    accepted, connected = pair
    woken: list[bool] = []

    def wait() -> None:
        woken.append(poller.wait(accepted.fileno(), select.POLLIN, soon(1000.0)))
        poller.permits.release()

    long = threading.Thread(target=wait)
    long.start()
    assert waits(poller, 1)
    assert not poller.wait(connected.fileno(), select.POLLIN, soon(0.01))
    poller.permits.release()
    connected.send(b"x")
    long.join(10)
    assert woken == [True]


def test_a_reader_and_a_writer_wait_for_the_same_socket(poller: Poller, pair: Pair) -> None:
    """Each wakes up for its own event; the other one keeps waiting."""
    accepted, connected = pair
    fill(accepted)
    woken: list[str] = []

    def wait(name: str, event: int) -> None:
        assert poller.wait(accepted.fileno(), event, soon())
        woken.append(name)
        poller.permits.release()

    reader = threading.Thread(target=wait, args=("reader", select.POLLIN))
    writer = threading.Thread(target=wait, args=("writer", select.POLLOUT))
    for thread in (reader, writer):
        thread.start()
    assert waits(poller, 2)
    connected.send(b"x")
    reader.join(10)
    assert woken == ["reader"]
    assert waits(poller, 1)
    connected.settimeout(0.5)
    try:
        while connected.recv(1 << 20):
            pass
    except TimeoutError:
        pass
    writer.join(10)
    assert woken == ["reader", "writer"]


def test_the_end_of_a_connection_wakes_reader_and_writer(poller: Poller, pair: Pair) -> None:
    """As a shutdown by another thread does."""
    accepted, _ = pair
    fill(accepted)
    woken: list[bool] = []

    def wait(event: int) -> None:
        woken.append(poller.wait(accepted.fileno(), event, soon()))
        poller.permits.release()

    threads = [
        threading.Thread(target=wait, args=(event,)) for event in (select.POLLIN, select.POLLOUT)
    ]
    for thread in threads:
        thread.start()
    assert waits(poller, 2)
    accepted.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(10)
    assert woken == [True, True]


def test_threads_that_are_ready_at_once_run_one_after_the_other(poller: Poller) -> None:
    """The reason for the poller: the others sleep until they get the permit."""
    pairs = [tcp_pair() for _ in range(30)]
    running: list[int] = []
    most: list[int] = []

    def wait(sock: socket.socket) -> None:
        assert poller.wait(sock.fileno(), select.POLLIN, soon())
        running.append(1)
        most.append(len(running))
        time.sleep(0)  # lets any other thread that is ready run
        running.pop()
        poller.permits.release()

    threads = [threading.Thread(target=wait, args=(accepted,)) for accepted, _ in pairs]
    for thread in threads:
        thread.start()
    assert waits(poller, 30)
    for _, connected in pairs:
        connected.send(b"x")
    for thread in threads:
        thread.join(10)
    assert len(most) == 30
    assert set(most) == {1}
    for both in pairs:
        for sock in both:
            sock.close()


def test_a_blocked_thread_does_not_stop_the_others(
    poller: Poller, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread whose socket is ready gets the permit of one that has kept it for too long."""
    for module in (permit, poller_module):
        monkeypatch.setattr(module, "HUNG_SECONDS", 0.05)  # so that the test is short
    accepted, connected = pair
    goes_on = threading.Event()

    def block() -> None:
        with poller.permits:
            connected.send(b"x")
            goes_on.wait(10)

    blocked = threading.Thread(target=block)
    poller.permits.acquire()
    blocked.start()
    assert poller.wait(accepted.fileno(), select.POLLIN, soon())
    assert poller.permits.held
    goes_on.set()
    blocked.join(10)
    assert poller.permits.held


def test_a_write_pump_gets_the_permit_before_requests(poller: Poller) -> None:
    """It does not have the permit when it begins to wait; a request has."""
    pairs = {name: tcp_pair() for name in ("request", "pump")}
    order: list[str] = []

    def wait(name: str) -> None:
        if name == "request":
            poller.permits.acquire()
        assert poller.wait(pairs[name][0].fileno(), select.POLLIN, soon())
        order.append(name)
        poller.permits.release()

    threads = [threading.Thread(target=wait, args=(name,)) for name in pairs]
    for thread in threads:
        thread.start()
    assert waits(poller, 2)
    poller.permits.acquire()
    for number, name in enumerate(pairs, 1):
        pairs[name][1].send(b"x")
        assert eventually(lambda number=number: len(poller.permits._turns) == number)  # type: ignore[misc]
    poller.permits.release()
    for thread in threads:
        thread.join(10)
    assert order == ["pump", "request"]
    for both in pairs.values():
        for sock in both:
            sock.close()


@pytest.mark.parametrize("deadline", [math.inf, 1e9])
def test_a_far_deadline_is_possible(poller: Poller, pair: Pair, deadline: float) -> None:
    """epoll_wait(2) takes milliseconds in 32 bits."""
    accepted, connected = pair
    thread = threading.Thread(
        target=poller.wait, args=(accepted.fileno(), select.POLLIN, time.monotonic() + deadline)
    )
    thread.start()
    assert waits(poller, 1)
    connected.send(b"x")
    thread.join(10)
    assert not thread.is_alive()


def test_close_ends_every_wait(pair: Pair) -> None:
    """As a timeout, and so does every later wait. It can be repeated, and works before the start."""
    poller = Poller()
    poller.start()
    woken: list[bool] = []
    thread = threading.Thread(
        target=lambda: woken.append(poller.wait(pair[0].fileno(), select.POLLIN, math.inf))
    )
    thread.start()
    assert waits(poller, 1)
    poller.close()
    poller.close()
    thread.join(10)
    assert woken == [False]
    assert not poller.wait(pair[0].fileno(), select.POLLIN, soon())
    Poller().close()


def test_a_closed_descriptor_is_an_error(poller: Poller) -> None:
    """Nothing is left of the wait."""
    accepted, connected = tcp_pair()
    number = accepted.fileno()
    accepted.close()
    connected.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        poller.wait(number, select.POLLIN, soon())
    assert poller._waiting == {}
