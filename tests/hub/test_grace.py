"""The thread ts-grace with clients that have no hub: when a waiting frame is queued, and when it is dropped."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest

from telemetry_stream.hub import Many
from telemetry_stream.hub.client import End
from telemetry_stream.hub.grace import GRACE_SECONDS, Grace
from tests.hub.clients import WAIT_SECONDS, QueuedClient, make_lagging


@pytest.fixture
def grace() -> Iterator[Grace]:
    """The running thread ts-grace, which is stopped after the test."""
    grace = Grace()
    grace.start()
    yield grace
    grace.close(WAIT_SECONDS)


def lagging(grace: Grace) -> QueuedClient:
    """Return a client with a full queue whose grace period has begun."""
    client = QueuedClient()
    make_lagging(client, grace.room_made)
    return client


def wait_for_requests(grace: Grace) -> None:
    """Wait until ts-grace has handled all earlier requests."""
    marker = lagging(grace)
    marker.take(0)
    grace.wait_for_room(b"marker", [marker])
    assert marker.grace_ended.wait(WAIT_SECONDS)


def test_the_grace_period_is_100_ms() -> None:
    """The constant has the documented value."""
    assert GRACE_SECONDS == 0.1


@pytest.mark.usefixtures("endless_grace")
def test_room_delivers_the_frame_in_order(grace: Grace) -> None:
    """When the pump takes a frame during the grace period, the new frame is queued behind the older ones."""
    client = QueuedClient()
    frames = make_lagging(client, grace.room_made)
    grace.wait_for_room(b"new", [client])
    wait_for_requests(grace)
    assert client.in_grace
    assert client.take(0) == frames[0]
    assert client.grace_ended.wait(WAIT_SECONDS)
    assert client.waiting() == [*frames[1:], b"new"]
    assert client.dropped == 0


@pytest.mark.usefixtures("endless_grace")
def test_a_delivered_frame_is_not_delivered_again(grace: Grace) -> None:
    """A client that got its frame because it made room no longer waits, so the end of ts-grace adds no second copy."""
    client = QueuedClient()
    frames = make_lagging(client, grace.room_made)
    grace.wait_for_room(b"new", [client])
    wait_for_requests(grace)
    assert client.take(0) == frames[0]
    assert client.grace_ended.wait(WAIT_SECONDS)
    assert client.take(0) == frames[1]  # room for a second copy
    grace.close(WAIT_SECONDS)
    assert client.waiting() == [*frames[2:], b"new"]


@pytest.mark.usefixtures("endless_grace")
def test_room_made_before_the_request_is_not_missed(grace: Grace) -> None:
    """The frame is queued at once if the pump took a frame after the grace period began and before the request."""
    client = lagging(grace)
    client.take(0)
    wait_for_requests(grace)  # the report is handled: only the request itself can find the room
    grace.wait_for_room(b"new", [client])
    assert client.grace_ended.wait(WAIT_SECONDS)
    assert client.waiting()[-1] == b"new"


def test_a_frame_is_dropped_after_100_ms_without_room(grace: Grace) -> None:
    """A client that makes no room loses only the new frame, and not before the grace period is over."""
    client = QueuedClient()
    frames = make_lagging(client, grace.room_made)
    requested_at = time.monotonic()
    grace.wait_for_room(b"new", [client])
    assert client.grace_ended.wait(WAIT_SECONDS)
    assert client.grace_ended_at - requested_at >= GRACE_SECONDS
    assert client.dropped == 1
    assert client.waiting() == frames


def test_each_frame_has_a_grace_period_of_its_own(grace: Grace) -> None:
    """A stuck client that lost a frame gets 100 ms again for the next one."""
    client = QueuedClient()
    make_lagging(client, grace.room_made)
    for count in (1, 2, 3):
        requested_at = time.monotonic()
        grace.wait_for_room(b"new", [client])
        assert client.grace_ended.wait(WAIT_SECONDS)
        assert client.grace_ended_at - requested_at >= GRACE_SECONDS
        assert client.dropped == count
        client.grace_ended.clear()
        client.begin_grace(grace.room_made)


def test_a_later_request_has_a_later_deadline(grace: Grace) -> None:
    """The client of a later frame gets 100 ms too, although the time of an earlier frame expires meanwhile."""
    early, late = lagging(grace), lagging(grace)
    grace.wait_for_room(b"new", [early])
    early.grace_ended.wait(GRACE_SECONDS / 2)
    requested_at = time.monotonic()
    grace.wait_for_room(b"newer", [late])
    assert early.grace_ended.wait(WAIT_SECONDS)
    assert late.grace_ended.wait(WAIT_SECONDS)
    assert late.grace_ended_at - requested_at >= GRACE_SECONDS
    assert (early.dropped, late.dropped) == (1, 1)


def test_a_later_request_does_not_delay_an_earlier_deadline(
    grace: Grace, request: pytest.FixtureRequest
) -> None:
    """A frame is dropped at its deadline although a client of a later frame still waits."""
    early, late = lagging(grace), lagging(grace)
    grace.wait_for_room(b"new", [early])
    request.getfixturevalue("endless_grace")
    grace.wait_for_room(b"newer", [late])
    assert early.grace_ended.wait(WAIT_SECONDS)
    assert late.in_grace


@pytest.mark.usefixtures("endless_grace")
def test_a_client_that_recovers_does_not_wait_for_others(grace: Grace) -> None:
    """If one of a hundred clients makes room, its grace period ends at once, and the other 99 keep waiting."""
    clients = [lagging(grace) for _ in range(100)]
    grace.wait_for_room(b"new", [*clients])
    wait_for_requests(grace)
    recovered = clients.pop(57)
    recovered.take(0)
    assert recovered.grace_ended.wait(WAIT_SECONDS)
    assert recovered.waiting()[-1] == b"new"
    assert all(client.in_grace for client in clients)
    assert sum(client.dropped for client in clients) == 0


def test_a_hundred_stuck_clients_share_one_grace_period(grace: Grace) -> None:
    """A hundred clients wait at the same time: one after the other would take 10 s."""
    clients = [lagging(grace) for _ in range(100)]
    requested_at = time.monotonic()
    grace.wait_for_room(b"new", [*clients])
    assert all(client.grace_ended.wait(WAIT_SECONDS) for client in clients)
    waited = [client.grace_ended_at - requested_at for client in clients]
    assert min(waited) >= GRACE_SECONDS
    assert max(waited) < 50 * GRACE_SECONDS
    assert all(client.dropped == 1 for client in clients)


@pytest.mark.usefixtures("endless_grace")
def test_a_report_of_room_that_is_not_there_has_no_effect(grace: Grace) -> None:
    """Neither a report for a client that does not wait nor one for a client without room ends a grace period."""
    client, other = lagging(grace), lagging(grace)
    grace.wait_for_room(b"new", [client])
    other.take(0)  # reports room, but no frame waits for it
    grace.room_made(client)
    wait_for_requests(grace)
    assert client.in_grace
    assert other.in_grace
    assert b"new" not in client.waiting() + other.waiting()


def test_a_busy_thread_keeps_the_deadlines(grace: Grace) -> None:
    """A frame is dropped at its deadline although other clients report room all the time."""
    client, other = lagging(grace), QueuedClient()
    grace.wait_for_room(b"new", [client])
    give_up_at = time.monotonic() + 50 * GRACE_SECONDS
    while not client.grace_ended.is_set() and time.monotonic() < give_up_at:
        grace.room_made(other)
    assert client.grace_ended.is_set()


def test_an_ended_client_does_not_count_a_drop(grace: Grace) -> None:
    """If a client ends during its grace period, its frame is not counted as dropped."""
    client = lagging(grace)
    client.close(End.GONE)
    grace.wait_for_room(b"new", [client])
    assert client.grace_ended.wait(WAIT_SECONDS)
    assert client.dropped == 0


def test_a_crash_is_reported() -> None:
    """An unexpected error on ts-grace is passed to on_crash."""
    crashes: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    class BrokenClient(QueuedClient):
        def end_grace(self, frame: bytes | Many, *, last: bool) -> bool:
            raise LookupError("broken")

    grace = Grace(on_crash=crashes.put)
    grace.start()
    client = BrokenClient()
    make_lagging(client, grace.room_made)
    grace.wait_for_room(b"new", [client])
    assert isinstance(crashes.get(timeout=WAIT_SECONDS), LookupError)
    grace.close(WAIT_SECONDS)
