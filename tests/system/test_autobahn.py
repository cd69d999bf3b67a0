"""The Autobahn test suite for RFC 6455, against an echo server made of our own transport and connection.

The echo is the production code with two differences: it sends messages back instead of discarding them, and it allows
long and many messages. kosoku runs Autobahn's case files.

Cases 9 (large and many messages) measure the speed of an echo, which the program does not have. Cases 12 and 13 are
for compression, which is not offered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from kosoku import FailureError, run_fuzzingclient

from telemetry_stream.hub import Client
from telemetry_stream.net import http
from telemetry_stream.net.transport import Transport
from telemetry_stream.net.wsgi import HIJACK
from telemetry_stream.websocket import frame
from telemetry_stream.websocket.connection import Connection, Timing
from telemetry_stream.websocket.handshake import maybe_refuse
from telemetry_stream.websocket.inbound import Inbound
from telemetry_stream.websocket.quota import Allowance
from tests.net.conversation import LIMITS
from tests.net.listening import make_listener

SECTIONS = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
UNLIMITED = Allowance(message_bytes=1 << 20, frames_per_second=1 << 20, bytes_per_second=1 << 30)

# These cases ping between the fragments of a message and expect the pong before the echo. Here both arrive in one read,
# and simple-websocket writes pongs when it has handled all of a read. RFC 6455 section 5.5.3 only requires "as soon as
# is practical", and our viewers get no echo.
OPEN = {"5.6", "5.7", "5.8", "5.19", "5.20"}

GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}


class EchoInbound(Inbound):
    """Sends each message back through ``client``."""

    def __init__(self, *arguments: Any, client: Client) -> None:
        self._client = client
        super().__init__(*arguments)

    def handshake(self) -> None:
        super().handshake()
        self.input_buffer = self

    def append(self, message: str | bytes) -> None:
        """Take a whole message: the library calls this as the method of its list."""
        if isinstance(message, str):
            echo = frame.text(message.encode())
        else:
            echo = bytes((frame.FIN | 0x2,)) + frame.text(message)[1:]
        assert self._client.offer(echo)


class EchoConnection(Connection):
    def _answer_handshake(self) -> Inbound:
        return EchoInbound(self._peer, self._key, self._peer.quota, client=self._client)


def echo(environ: dict[str, Any], _: object) -> Iterable[bytes]:
    """Accept a WebSocket on every path."""
    assert maybe_refuse(environ) is None
    environ[HIJACK](partial(serve, environ["HTTP_SEC_WEBSOCKET_KEY"]))
    return ()


def serve(key: str, transport: Transport) -> None:
    """Echo until either side ends."""
    client = Client(transport.try_send)
    with EchoConnection(
        transport, key, client, number=0, timing=Timing(), allowance=UNLIMITED
    ) as connection:
        connection.read()


@contextmanager
def serving() -> Iterator[str]:
    """Start an echo server, give its address, and close it."""
    listener = make_listener(lambda transport: http.serve(transport, echo, LIMITS, ()))
    listener.start()
    yield "{}:{}".format(*listener.address)
    assert listener.close(time.monotonic() + 10)
    assert listener.stats().crashed == 0


@pytest.fixture
def address() -> Iterator[str]:
    """The address of an echo server."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module", autouse=True)
def _runtime() -> None:
    """With its first case, kosoku starts a runtime, which keeps its descriptors until the process ends."""
    with serving() as served:
        run(served, "1.1.1")


def run(address: str, *cases: str) -> dict[str, tuple[str, str]]:
    """Run the cases; return the results of the exchange and of the close for each."""
    try:
        results = asyncio.run(run_fuzzingclient(address, list(cases), concurrency=8))
    except FailureError as failure:
        results = failure.results
    return {r.case_id: (r.behavior.value, r.behavior_close.value) for r in results}


def test_no_case_fails_or_closes_uncleanly(address: str) -> None:
    """Framing, pings, reserved bits, opcodes, fragments, UTF-8, closing, and messages in pieces."""
    results = run(address, *SECTIONS)
    assert len(results) == 247
    assert not {case for case, (_, closing) in results.items() if closing not in GOOD}
    assert {case for case, (exchange, _) in results.items() if exchange not in GOOD} <= OPEN


# The suite leaves the files with its payloads to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_compression_is_not_offered(address: str) -> None:
    """A client that offers it is served without."""
    results = run(address, "12.1.1", "13.1.1")
    assert set(results.values()) == {("UNIMPLEMENTED", "OK")}
