"""Registry: the limits for viewers, and that each slot is released."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from telemetry_stream.access.credential import Credential
from telemetry_stream.access.tokens import Token
from telemetry_stream.hub import Client
from telemetry_stream.net.address import PerAddress
from telemetry_stream.net.answer import HTTPError
from telemetry_stream.net.transport import Transport
from telemetry_stream.server.lines import FRAMING
from telemetry_stream.server.registry import Registry, Viewer
from telemetry_stream.stream import Choice
from tests.net.pairs import soon, tcp_pair

ONE, OTHER, THIRD = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def registry_with(limit: int, per_address: int = 100) -> Registry:
    """Return a registry with these limits."""
    return Registry(limit, PerAddress(per_address))


@pytest.fixture
def transport() -> Iterator[Transport]:
    """A transport with a peer."""
    ours, theirs = tcp_pair()
    with theirs:
        transport = Transport(ours)
        yield transport
        theirs.close()
        transport.close()


def viewer_of(transport: Transport, number: int, credential: Credential | None = None) -> Viewer:
    """Return a viewer of JSON lines."""
    choice = Choice(FRAMING, "host-1", ("cpu",), 2)
    client = Client(transport.try_send, topic=choice)
    return Viewer(number, "lines", "192.0.2.1:5", credential, choice, client, transport)


def test_a_viewer_beyond_the_limit_is_refused_until_a_slot_is_released() -> None:
    """The refusal is an HTTP 503 with Retry-After, and is counted."""
    registry = registry_with(2)
    first, second = registry.reserve(ONE), registry.reserve(OTHER)
    assert second == first + 1
    for count in (1, 2):
        with pytest.raises(HTTPError, match=r"Viewer limit reached \(2\)") as refused:
            registry.reserve(THIRD)
        assert refused.value.status == "503 Service Unavailable"
        assert refused.value.headers == (("Retry-After", "10"),)
        assert registry.refused == count
    registry.release(first, ONE)
    assert registry.reserve(THIRD) == second + 1
    assert registry.refused == 2


def test_an_address_beyond_its_limit_is_refused_and_others_are_not() -> None:
    """The refusal is an HTTP 429 with Retry-After, and is counted."""
    registry = registry_with(10, per_address=2)
    first = registry.reserve(ONE)
    registry.reserve(ONE)
    with pytest.raises(HTTPError, match="Limit of 2 viewers per address reached") as refused:
        registry.reserve(ONE)
    assert refused.value.status == "429 Too Many Requests"
    assert refused.value.headers == (("Retry-After", "10"),)
    assert registry.refused == 1
    registry.reserve(OTHER)
    registry.release(first, ONE)
    registry.reserve(ONE)


def test_a_refusal_by_the_limit_for_all_does_not_count_for_the_address() -> None:
    """Otherwise an address that was refused once would stay refused."""
    registry = registry_with(1, per_address=1)
    number = registry.reserve(ONE)
    for _ in range(3):
        with pytest.raises(HTTPError, match="503"):
            registry.reserve(OTHER)
    registry.release(number, ONE)
    registry.reserve(OTHER)


def test_a_refusal_by_the_limit_of_an_address_takes_no_slot() -> None:
    """The free slot remains for another address."""
    registry = registry_with(2, per_address=1)
    registry.reserve(ONE)
    for _ in range(3):
        with pytest.raises(HTTPError, match="429"):
            registry.reserve(ONE)
    registry.reserve(OTHER)


def test_each_limit_logs_one_line_per_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Refusals of one address do not hide that the limit for all is reached."""
    registry = registry_with(2, per_address=1)
    registry.reserve(ONE)
    registry.reserve(OTHER)
    for address in (ONE, THIRD, ONE, THIRD):
        with pytest.raises(HTTPError):
            registry.reserve(address)
    assert caplog.messages == [
        "Viewer from 192.0.2.1 refused: Limit of 1 viewers per address reached",
        "Viewer from 192.0.2.3 refused: Viewer limit reached (2)",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_a_viewer_is_listed_from_its_joining_to_its_release(transport: Transport) -> None:
    """The list has the order of joining, which may differ from the order of the requests."""
    registry = registry_with(3)
    viewers = [viewer_of(transport, registry.reserve(ONE)) for _ in range(3)]
    first, second, third = viewers
    assert registry.viewers() == []
    for viewer in (second, third, first):
        assert viewer not in registry
        registry.add(viewer)
        assert viewer in registry
    registry.release(third.number, ONE)
    assert registry.viewers() == [second, first]


def test_waiting_ends_when_the_last_slot_is_released() -> None:
    """Whether its viewer had joined or not."""
    registry = registry_with(5)
    assert registry.wait_until_empty(0)
    numbers = [registry.reserve(ONE) for _ in range(2)]
    registry.release(numbers[0], ONE)
    assert not registry.wait_until_empty(0.01)
    release = threading.Timer(0.05, registry.release, (numbers[1], ONE))
    begun = time.monotonic()
    release.start()
    assert registry.wait_until_empty(30)
    assert time.monotonic() - begun < 20
    release.join()


def test_the_report_of_a_viewer(transport: Transport) -> None:
    """All of it is JSON."""
    viewer = viewer_of(transport, 12, Credential(Token("kitchen", "k" * 16)))
    transport.send(b"x" * 10, soon())
    assert viewer.report(viewer.since + 12.3456, identified=True) == {
        "id": 12,
        "peer": "192.0.2.1:5",
        "user": "kitchen",
        "kind": "lines",
        "sections": ("cpu",),
        "every": 2,
        "connected_seconds": 12.346,
        "sent_frames": 0,
        "sent_bytes": 10,
        "dropped_frames": 0,
        "waiting_frames": 0,
    }
    assert viewer_of(transport, 1).report(0.0, identified=True)["user"] is None
    hidden = viewer.report(0.0, identified=False)
    assert (hidden["id"], hidden["peer"], hidden["user"]) == (12, None, None)
