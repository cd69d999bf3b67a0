"""A viewer's WebSocket connection: two pumps on one transport, and the ways in which it ends.

The connection's own thread is the read pump (``ts-ws12-read``), and it starts the write pump (``ts-ws12-write``): two
threads per viewer, none hidden. The read pump answers pings and the peer's close frame. The write pump sends waiting
frames and pings, and our close frame as the last one. The pump that ends first ends the client, and with it the other.

After a close frame nothing else may be sent (RFC 6455 section 5.5.1), although the hub's thread or the other pump may
be about to write. Therefore a close frame is always written by ``Transport.send_final``, which refuses later writes.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from types import TracebackType
from typing import NamedTuple, Self

from .. import threads
from ..hub import Client, End, write_pump
from ..hub.pump import WRITE_SECONDS
from ..net.transport import Transport
from . import frame
from .inbound import Inbound
from .quota import Allowance, Quota

log = logging.getLogger(__name__)


class Timing(NamedTuple):
    """The time limits of a viewer's connection in seconds. All but the last as in gorilla/websocket's chat example."""

    ping: float = 54.0  # between two pings
    silence: float = 60.0  # without a pong, until the connection ends; must be longer than ping
    write: float = WRITE_SECONDS  # for one frame
    close: float = 1.0  # for the reply to our close frame, and for a pump to end
    # Between two checks whether a reader of JSON lines has left: it cannot be pinged.
    probe: float = 5.0


class Connection:
    """The pumps of one viewer, as a context manager for the viewer's thread.

    Entering it starts the write pump and answers the handshake. Then ``client`` can be registered, and ``read`` runs
    the read pump until the viewer ends. Leaving it ends both pumps.

    ``client`` must have been made with ``transport.try_send``. It ends with 1008 at ``until`` (monotonic seconds). The
    owner of ``transport`` closes it afterwards.
    """

    def __init__(
        self,
        transport: Transport,
        key: str,
        client: Client,
        *,
        number: int,
        timing: Timing,
        allowance: Allowance,
        until: float = math.inf,
    ) -> None:
        self._transport = transport
        self._key = key
        self._client = client
        self._number = number % 10_000  # keeps the names of the threads within 15 bytes
        self._timing = timing
        self._until = until
        # Held while the read pump runs. A lock has 40 bytes; an Event with its Condition has a kilobyte.
        self._reading = threading.Lock()
        # Held until the handshake is answered, because no ping may be written before the answer.
        self._answering = threading.Lock()
        self._peer = _Peer(transport, client, timing, Quota(allowance))
        self._pump: threading.Thread
        self._inbound: Inbound

    def __enter__(self) -> Self:
        """Raises ThreadUnavailableError, with nothing sent, or OSError if the peer left before the handshake ended."""
        threads.rename(f"ts-ws{self._number}-read")
        self._reading.acquire()
        try:
            with self._answering:
                self._pump = threads.start(f"ts-ws{self._number}-write", self._write)
                self._inbound = self._answer_handshake()
        except threads.ThreadUnavailableError:
            self._client.close(End.CRASHED)
            raise
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def read(self) -> None:
        """Answer pings and the close frame until the peer closes, disconnects or breaks a rule. The read pump."""
        self._inbound.read()
        if self._peer.quota.exceeded:
            self._client.close(End.POLICY)

    def _answer_handshake(self) -> Inbound:
        return Inbound(self._peer, self._key, self._peer.quota)

    def _end(self) -> None:
        """End the client and wait for the write pump."""
        self._client.close(End.GONE)
        self._transport.permits.release()
        self._reading.release()
        self._pump.join(self._timing.close)
        if self._pump.is_alive():  # blocked in a write to a peer that has left or does not read
            self._transport.shutdown()
            self._pump.join()

    def _write(self) -> None:
        """Write frames and pings until the client ends, then the close frame. The write pump, on its own thread."""
        with self._answering:
            pass
        try:
            write_pump(
                self._client,
                self._send,
                turn=self._transport.permits,
                write_seconds=self._timing.write,
                ping=frame.PING,
                ping_seconds=self._timing.ping,
                until=self._until,
            )
        finally:
            self._send_close_frame(self._client.end or End.GONE)
            if not self._reading.acquire(timeout=self._timing.close):
                self._transport.shutdown()  # wakes a read pump whose peer does not answer the close frame

    def _send(self, data: bytes, deadline: float) -> None:
        self._transport.permits.pass_on()
        self._transport.send(data, deadline)

    def _send_close_frame(self, end: End) -> None:
        if end.code is None:
            return
        try:
            self._transport.send_final(frame.close(end.code, end.reason))
        except OSError as error:
            log.debug("No close frame for %s: %s", self._client.name, error)


class _Peer:
    """The socket that simple-websocket gets: it adds deadlines, the quota, and the order of the last frames."""

    def __init__(self, transport: Transport, client: Client, timing: Timing, quota: Quota) -> None:
        self.quota = quota
        self._transport = transport
        self._client = client
        self._timing = timing
        self._is_closing = False  # the library's next frame is its close frame
        self._silent_at = time.monotonic() + timing.silence

    def send(self, data: bytes) -> int:
        """Write a pong, a close frame or the answer to the handshake, as a whole and within the write deadline.

        If we have ended the client, nothing is written: the write pump sends our close frame, which is the last one.
        """
        if self._is_closing and self._client.end is End.GONE:
            self._transport.send_final(data)
        elif self._client.end in (None, End.GONE):
            try:
                self._transport.send(data, time.monotonic() + self._timing.write)
            except TimeoutError:
                self._client.close(End.SLOW_CONSUMER)  # the peer sends pings, but does not read
                raise
        return len(data)

    def recv(self, size: int) -> bytes:
        """Read within the silence deadline. A peer that sends nothing or too much ends the client."""
        try:
            data = self._transport.recv(size, self._silent_at)
        except TimeoutError:
            self._client.close(End.SILENT)
            raise
        self.quota.take(size=len(data))
        return data

    def on_pong(self) -> None:
        """Extend the silence deadline."""
        self._silent_at = time.monotonic() + self._timing.silence

    def before_close_frame(self, *, too_big: bool) -> None:
        """End the client first, so that the hub and the write pump write no frame after the library's close frame."""
        self._is_closing = True
        self._client.close(End.TOO_BIG if too_big else End.GONE)

    def close(self) -> None:
        """Do nothing: the library calls this when its reader ends, but our close frame may not be sent yet."""
