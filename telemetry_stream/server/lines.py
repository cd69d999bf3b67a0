"""The stream as JSON lines over plain HTTP, for ``curl -N``: the same hub and the same guarantee, without WebSocket.

A reader has one thread, that of its connection, which is the write pump. Its input has no meaning: some of it is read
and discarded at each probe, so a reader that sends more than that soon blocks in its own send. A reader that shuts down
its write side counts as gone. No other event shows that a reader has left if its samples are rare.
"""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Iterable, Iterator

from .. import threads
from ..hub import Client, End, write_pump
from ..net.transport import Transport
from ..stream import Framing
from ..websocket.connection import Timing

PROBE_BYTES = 4096


def _line(payload: bytes) -> bytes:
    return payload + b"\n"


def _long_line(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield b"\n"


FRAMING = Framing(_line, _long_line)


def serve(
    transport: Transport,
    client: Client,
    *,
    number: int,
    timing: Timing,
    until: float = math.inf,
) -> None:
    """Write the frames of ``client`` until it ends, at the latest until ``until`` (monotonic seconds).

    Runs on the calling thread; the response head has been sent.
    """
    threads.rename(f"ts-lines{number % 10_000}")
    permits = transport.permits
    permits.release()

    def send(data: bytes, deadline: float) -> None:
        permits.pass_on()
        transport.send(data, deadline)
        if not data:  # the pump's ping, which is empty here, or its wait for the rest of a frame
            _probe(transport)

    try:
        write_pump(
            client,
            send,
            turn=permits,
            write_seconds=timing.write,
            ping_seconds=timing.probe,
            until=until,
        )
    finally:
        client.close(End.GONE)


def _probe(transport: Transport) -> None:
    """Discard some input without waiting. Raises ConnectionResetError if the reader has left."""
    try:
        if not transport.recv(PROBE_BYTES, time.monotonic()):
            raise ConnectionResetError(errno.ECONNRESET, "the reader has left")
    except TimeoutError:
        pass  # no input: the reader is still connected
