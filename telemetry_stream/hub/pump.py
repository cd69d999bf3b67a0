"""The write pump: drains a client's queue into a blocking send, and keeps the line alive.

It is asleep for a viewer that keeps up (see client.py) and does the writing for one that is behind.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from .client import Client, End

# A viewer that takes no whole frame for this long is evicted; gorilla/websocket's example waits as long.
WRITE_SECONDS = 10.0


def write_pump(
    client: Client,
    send: Callable[[bytes, float], None],
    *,
    write_seconds: float = WRITE_SECONDS,
    ping: bytes = b"",
    ping_seconds: float = math.inf,
) -> None:
    """Write what waits for ``client`` until it ends. Runs on the client's own write thread.

    ``send(data, deadline)`` writes all of ``data``, after any rest kept from a straight send, or raises TimeoutError
    at the monotonic ``deadline``, or OSError when the peer is gone. ``ping`` is sent each ``ping_seconds``.
    Returns once ``client.end`` is set, by this function where the peer was too slow or gone; raises nothing of that.
    A client that is only told to go away is first sent what waits, within ``write_seconds`` for all of it: no later run
    could make up for it. But a history that has begun is not finished, for that could take longer, and then nothing may
    follow the part that went out.
    """
    try:
        begun = _drain(client, send, write_seconds, ping, ping_seconds)
        if client.end is End.GOING_AWAY:
            _clear(client, send, begun, time.monotonic() + write_seconds)
    except TimeoutError:
        client.close(End.SLOW_CONSUMER)
    except OSError:
        client.close(End.GONE)
    except BaseException:
        client.close(End.CRASHED)  # a viewer whose frames cannot be made must not wait for them
        raise


def _drain(
    client: Client,
    send: Callable[[bytes, float], None],
    write_seconds: float,
    ping: bytes,
    ping_seconds: float,
) -> bytes | Iterator[bytes] | None:
    """Write until the client ends; return what has been taken and not been written, or not all of it."""
    next_ping = time.monotonic() + ping_seconds

    def ping_if_due() -> None:
        nonlocal next_ping
        if (now := time.monotonic()) >= next_ping:
            send(ping, now + write_seconds)
            next_ping = now + ping_seconds

    while client.end is None:
        # An endless wait would overflow the lock's clock; an hour is as good, the loop just comes round.
        item = client.take(min(next_ping - time.monotonic(), 3600.0))
        if client.end is not None:
            return item
        if isinstance(item, bytes):
            send(item, time.monotonic() + write_seconds)
            client.done(bool(item))
        elif item is not None:
            frames = 0
            for frame in item:
                if frames:
                    ping_if_due()  # whoever draws a long history slowly must be asked whether he lives, too
                send(frame, time.monotonic() + write_seconds)
                frames += 1
                if client.end is not None:
                    return item
            client.done(frames)
        ping_if_due()
    return None


def _clear(
    client: Client,
    send: Callable[[bytes, float], None],
    begun: bytes | Iterator[bytes] | None,
    deadline: float,
) -> None:
    """Write ``begun`` and the frames behind it, as far as a history."""
    item = client.take(0.0) if begun is None else begun
    while isinstance(item, bytes):
        if item:  # a rest that the sender keeps goes out with the goodbye at the latest
            send(item, deadline)
        client.done(bool(item))
        item = client.take(0.0)
