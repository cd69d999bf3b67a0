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

# What a viewer that is told to go away has for taking what waits: half of what a stop gives it (app.py).
LAST_SECONDS = 0.5


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
    A client that is told to go away is first sent the frames that wait, within half a second for all of them: no later
    run could make up for those. What it is owed is neither begun nor finished then, since that could take longer; what
    waits behind it would make no sense without it.
    """
    try:
        taken = _drain(client, send, write_seconds, ping, ping_seconds)
        if client.end is End.GOING_AWAY:
            _clear(client, send, taken, time.monotonic() + LAST_SECONDS)
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
        if (now := time.monotonic()) >= next_ping and client.end is None:
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
                if client.end is not None:
                    return item
                if frames:
                    ping_if_due()  # whoever draws a long history slowly must be asked whether he lives, too
                send(frame, time.monotonic() + write_seconds)
                frames += 1
            client.done(frames)
        ping_if_due()
    return None


def _clear(
    client: Client,
    send: Callable[[bytes, float], None],
    taken: bytes | Iterator[bytes] | None,
    deadline: float,
) -> None:
    """Write ``taken`` and the frames behind it, up to what is owed."""
    item = client.take(0.0) if taken is None else taken
    while isinstance(item, bytes):
        send(item, deadline)
        client.done(bool(item))
        item = client.take(0.0)
