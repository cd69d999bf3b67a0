"""The write pump: drains a client's queue into a blocking send, and sends the pings.

While a client keeps up, the hub's thread writes its frames and the pump sleeps (see client.py).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

from .client import Client, End

# A viewer that takes no complete frame for this long is evicted, as in gorilla/websocket's example.
WRITE_SECONDS = 10.0

# When the program stops, a viewer has this long to take its waiting frames: half as long as app.py waits for viewers.
FINAL_SECONDS = 0.5

NO_TURN = nullcontext()


def write_pump(
    client: Client,
    send: Callable[[bytes, float], None],
    *,
    turn: AbstractContextManager[object] = NO_TURN,
    write_seconds: float = WRITE_SECONDS,
    ping: bytes = b"",
    ping_seconds: float = math.inf,
    until: float = math.inf,
) -> None:
    """Write the waiting frames of ``client`` until it ends. Runs on the client's own write thread.

    ``send(data, deadline)`` writes first the rest of a direct write, if any, and then all of ``data``. It raises
    TimeoutError at the monotonic ``deadline``, or OSError if the peer is gone. ``ping`` is sent every ``ping_seconds``.
    ``turn`` is entered while frames of ``queue_first`` or of a Many are made and written: it limits how many pumps work
    at a time. At the monotonic time ``until`` the client ends with POLICY.

    Returns after the client has ended. If the peer is too slow or gone, this function ends the client itself and raises
    nothing. A client that ends with GOING_AWAY still gets its waiting frames, within half a second for all of them,
    because a restarted program does not have them. Frames of ``queue_first`` and of a Many are neither begun nor
    finished in that case, because they could take longer. Frames queued after them are not sent either: a viewer
    resumes after the last sample that it has, so those before it would stay missing.
    """
    try:
        on_time = _timer(client, send, write_seconds, ping, ping_seconds, until)
        unwritten = _drain(client, send, turn, write_seconds, on_time)
        if client.end is End.GOING_AWAY:
            _write_waiting(client, send, unwritten, time.monotonic() + FINAL_SECONDS)
    except TimeoutError:
        client.close(End.SLOW_CONSUMER)
    except OSError:
        client.close(End.GONE)
    except BaseException:
        client.close(End.CRASHED)  # else the viewer waits for frames that no thread writes
        raise


def _timer(
    client: Client,
    send: Callable[[bytes, float], None],
    write_seconds: float,
    ping: bytes,
    ping_seconds: float,
    until: float,
) -> Callable[[], float]:
    """Return a function that sends a ping or ends the client if it is time, and returns the seconds until the next."""
    next_ping = time.monotonic() + ping_seconds

    def on_time() -> float:
        nonlocal next_ping
        now = time.monotonic()
        if now >= until:
            client.close(End.POLICY)
        elif now >= next_ping and client.end is None:
            send(ping, now + write_seconds)
            next_ping = now + ping_seconds
        # An infinite timeout would raise OverflowError in the lock of the queue. After an hour the loop repeats.
        return min(next_ping - now, until - now, 3600.0)

    return on_time


def _drain(
    client: Client,
    send: Callable[[bytes, float], None],
    turn: AbstractContextManager[object],
    write_seconds: float,
    on_time: Callable[[], float],
) -> bytes | Iterator[bytes] | None:
    """Write until the client ends. Return the item that was taken but not written completely, or None."""
    wait_seconds = 0.0
    item: bytes | Iterator[bytes] | None
    while client.end is None:
        item = frame = None  # while the pump waits, it keeps neither
        item = client.take(wait_seconds)
        if client.end is not None:
            return item
        if isinstance(item, bytes):
            send(item, time.monotonic() + write_seconds)
            client.done(bool(item))
        elif item is not None:
            frames = 0
            with turn:
                for frame in item:
                    if frames:
                        on_time()  # a history that is read slowly must not delay the pings
                    if client.end is not None:
                        return item
                    send(frame, time.monotonic() + write_seconds)
                    frames += 1
            client.done(frames)
        wait_seconds = on_time()
    return None


def _write_waiting(
    client: Client,
    send: Callable[[bytes, float], None],
    unwritten: bytes | Iterator[bytes] | None,
    deadline: float,
) -> None:
    """Write ``unwritten`` and the queued frames, until those of ``queue_first`` or of a Many are reached."""
    item = client.take(0.0) if unwritten is None else unwritten
    while isinstance(item, bytes):
        send(item, deadline)
        client.done(bool(item))
        item = client.take(0.0)
