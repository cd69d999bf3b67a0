"""Clients that repeat an ordinary request over many connections, or one that is expensive to parse.

The ring is full: it has 600 samples. The suite repeats each request over 64 connections. ``scripts/bench-attacks`` also
uses 1, 16 and 128, and repeats all of them as a trusted proxy does for its clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.attacks.load import Load
from tests.attacks.target import Target
from tests.attacks.wire import head
from tests.websocket.peer import handshake

# Fills the ring with copies of the first sample.
SCRIPT = """
import sys
from telemetry_stream import cli
from telemetry_stream.stream.feed import Feed
publish = Feed.publish
def publish_600(feed, sample):
    Feed.publish = publish
    for _ in range(600):
        publish(feed, sample)
    return publish(feed, sample)
Feed.publish = publish_600
sys.exit(cli.main())
"""
ARGUMENTS = ("--history", "60", "--trust-proxy", "127.0.0.1")
CROWD = 128
SECONDS = 2.0

REQUESTS = {
    "page": head(),
    "metrics": head("GET /metrics HTTP/1.1"),
    "clients": head("GET /api/v1/clients HTTP/1.1"),
    "history of a section": head("GET /api/v1/history?sections=load HTTP/1.1"),
    # 60 samples, as the dashboard requests first.
    "history compressed": head(
        "GET /api/v1/history?brief=1&seconds=6 HTTP/1.1", "Accept-Encoding: gzip"
    ),
    "cookie of 14 KB": head("GET / HTTP/1.1", "Cookie: " + ";" * 14_000),
    "900 headers": head("GET / HTTP/1.1", *(f"x{i}: {i}" for i in range(900))),
}


def through_proxy(request: bytes) -> bytes:
    """Return the request as a trusted proxy forwards it."""
    return request[:-2] + b"X-Forwarded-For: 203.0.113.5\r\n\r\n"


def for_benchmark(*values: object) -> Iterable[object]:
    """Return parameters that the suite leaves out."""
    return (pytest.param(value, marks=pytest.mark.benchmark) for value in values)


@pytest.fixture(scope="module", autouse=True)
def _warmed(started: Target) -> None:
    """Repeat each request on each connection: modules are imported, and malloc keeps the memory of its heaps."""
    for request in REQUESTS.values():
        with Load(started.address, "keep", 64, request) as load:
            load.wait_for_answers()


connections = pytest.mark.parametrize("connections", [64, *for_benchmark(1, 16, 128)])
forwarded = pytest.mark.parametrize("via", ["direct", *for_benchmark("proxy")])


@connections
@forwarded
@pytest.mark.parametrize("name", REQUESTS)
def test_repeated_request(
    target: Target, record: Callable[[float], None], name: str, via: str, connections: int
) -> None:
    """On open connections, each again as soon as it is answered."""
    request = REQUESTS[name] if via == "direct" else through_proxy(REQUESTS[name])
    with Load(target.address, "keep", connections, request) as load:
        load.wait_for_answers()
        target.read_for(SECONDS)
        answers = load.answers_per_second()
        record(answers)
    assert answers > 0


@connections
@forwarded
def test_viewers_that_leave_at_once(
    target: Target, record: Callable[[float], None], via: str, connections: int
) -> None:
    """Each requests the history, reads the begin of it, resets the connection, and comes again."""
    request = handshake("/ws?history=600")
    request = request if via == "direct" else through_proxy(request)
    with Load(target.address, "connect", connections, request) as load:
        load.wait_for_answers()
        target.read_for(SECONDS)
        record(load.answers_per_second())
