"""The stream as JSON lines over plain HTTP, for ``curl -N``: the same hub, the same promise, no WebSocket.

One thread per reader, its connection's own, which is the write pump. Readers have nothing to say: what one sends is
thrown away, a little at each look whether it has left, and then its own send blocks. A reader that ends its half of the
connection counts as gone, which is all that tells of one that waits for a rare frame.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator

from .. import threads
from ..hub import Client, End, write_pump
from ..net.transport import Transport
from ..stream import Framing

log = logging.getLogger(__name__)

# A place is free again so long after its reader has left, at the latest; there is no ping that would tell it.
LOOK_SECONDS = 5.0
LOOK_BYTES = 4096


def _line(payload: bytes) -> bytes:
    return payload + b"\n"


def _long_line(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield from pieces
    yield b"\n"


FRAMING = Framing(_line, _long_line)


def serve(
    transport: Transport,
    client: Client,
    on_open: Callable[[], object],
    *,
    number: int,
    write_seconds: float,
) -> None:
    """Write to ``client`` on the calling thread until it ends; the response head has been sent."""
    threads.rename(f"ts-lines{number % 10_000}")
    on_open()

    def send(data: bytes, deadline: float) -> None:
        transport.send(data, deadline)
        if not data:  # the pump's ping, or its wait for a rest, when a look does no harm
            _look(transport)

    try:
        write_pump(client, send, write_seconds=write_seconds, ping_seconds=LOOK_SECONDS)
    finally:
        client.close(End.GONE)


def _look(transport: Transport) -> None:
    """Raise ConnectionResetError if the reader has left; never wait."""
    try:
        if not transport.recv(LOOK_BYTES, time.monotonic()):
            raise ConnectionResetError(errno.ECONNRESET, "the reader has left")
    except TimeoutError:
        pass  # nothing to read: it is still there
