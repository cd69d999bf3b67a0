"""Waiting for a socket and for other threads."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator

import pytest

from telemetry_stream.mqtt.waiter import Waiter


@pytest.fixture
def waiter() -> Iterator[Waiter]:
    """An open waiter."""
    opened = Waiter()
    opened.open()
    yield opened
    opened.close()


def test_it_waits_for_a_socket(waiter: Waiter) -> None:
    """Until it is readable or writable, as asked."""
    one, other = socket.socketpair()
    with one, other:
        assert not waiter.wait(0.0, one)
        assert waiter.wait(0.0, one, select.POLLOUT)
        other.send(b"x")
        assert waiter.wait(10.0, one)


def test_an_alarm_ends_a_wait_once(waiter: Waiter) -> None:
    """Rung before the wait or during it, by another thread."""
    waiter.wake()
    waiter.wake()
    assert not waiter.wait(60.0)
    assert not waiter.wait(0.0)
    thread = threading.Thread(target=waiter.wake)
    thread.start()
    assert not waiter.wait(60.0)
    thread.join()


def test_stop_is_remembered(waiter: Waiter) -> None:
    """And ends the present wait."""
    assert not waiter.is_stopped
    waiter.stop()
    assert waiter.is_stopped
    assert not waiter.wait(60.0)


def test_an_alarm_after_the_end_does_nothing() -> None:
    """A consumer or a lookup may ring late."""
    waiter = Waiter()
    waiter.wake()
    waiter.open()
    waiter.close()
    waiter.close()
    waiter.wake()
