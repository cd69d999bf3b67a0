"""The stream as JSON lines over plain HTTP, for ``curl -N``: the same hub, the same promise, no WebSocket.

One thread per reader, its connection's own, which is the write pump. What the reader sends is never read: the kernel
holds a few kilobytes of it and then the reader's own send blocks. That it has left shows at the next frame.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from .. import threads
from ..hub import Client, End, write_pump
from ..net.transport import Transport
from ..stream import Framing

log = logging.getLogger(__name__)


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
    try:
        write_pump(client, transport.send, write_seconds=write_seconds)
    finally:
        client.close(End.GONE)
