"""A viewer's connection: two pumps round one transport, and the ways in which it ends.

The connection's own thread is the read pump (``ts-ws12-read``), the write pump is a second one (``ts-ws12-write``):
two per viewer, none hidden. The read pump answers pings and the peer's close; the write pump sends what waits, pings,
and our own close frame last. Whichever ends first ends the client, which ends the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from .. import threads
from ..hub import Client, End, write_pump
from ..net.transport import Transport
from . import frame
from .inbound import Allowance, Inbound, Quota

log = logging.getLogger(__name__)


class ThreadUnavailableError(Exception):
    """The system has no thread for a write pump; nothing has been sent to the viewer."""


class Timing(NamedTuple):
    """Seconds, as in gorilla/websocket's chat example."""

    ping: float = 54.0
    silence: float = 60.0  # without a pong; more than ping
    write: float = 10.0  # for one frame
    close: float = 1.0  # for the reply to a close frame, and for a pump to end


class Connection:
    """Serves one viewer on the calling thread.

    ``client`` must have been made with ``transport.try_send``. ``transport`` stays open: whoever handed it over
    closes it once ``serve`` has returned.
    """

    def __init__(
        self,
        transport: Transport,
        key: str,
        client: Client,
        *,
        number: int,
        timing: Timing = Timing(),  # noqa: B008  # immutable
        allowance: Allowance = Allowance(),  # noqa: B008
    ) -> None:
        self._transport = transport
        self._key = key
        self._client = client
        self._number = number % 10_000  # keeps the threads' names within 15 bytes
        self._timing = timing
        # Held while the read pump runs: a latch of 40 bytes, where an Event with its Condition is a kilobyte a viewer.
        self._reading = threading.Lock()
        self._peer = _Peer(transport, client, timing, Quota(allowance))

    def serve(self, on_open: Callable[[], object]) -> None:
        """Answer the handshake, call ``on_open`` (which registers the client), pump until the end.

        Raises ThreadUnavailableError.
        """
        threads.rename(f"ts-ws{self._number}-read")
        self._reading.acquire()  # released when reading is over
        try:
            pump = threads.start(f"ts-ws{self._number}-write", self._write)
        except RuntimeError as error:
            self._client.close(End.CRASHED)
            raise ThreadUnavailableError(str(error)) from error
        try:
            inbound = self._answer_handshake()
            on_open()
            inbound.read()
            if self._peer.quota.exceeded:
                self._client.close(End.POLICY)
        except OSError as error:
            log.debug("handshake with %s failed: %s", self._client.name, error)
        finally:
            self._client.close(End.GONE)
            self._reading.release()
            pump.join(self._timing.close)
            if pump.is_alive():  # blocked in a write to a peer that has left or does not read
                self._transport.shutdown()
                pump.join()

    def _answer_handshake(self) -> Inbound:
        return Inbound(self._peer, self._key, self._peer.quota)

    def _write(self) -> None:
        """Pump, then say goodbye. Runs on the write pump's thread."""
        try:
            write_pump(
                self._client,
                self._transport.send,
                write_seconds=self._timing.write,
                ping=frame.PING,
                ping_seconds=self._timing.ping,
            )
        finally:
            self._say_goodbye(self._client.end or End.GONE)
            if not self._reading.acquire(timeout=self._timing.close):
                self._transport.shutdown()  # wakes a read pump whose peer does not answer the close

    def _say_goodbye(self, end: End) -> None:
        if end.code is None:
            return
        try:
            self._transport.last_words(frame.close(end.code, end.words))
        except OSError as error:
            log.debug("no goodbye for %s: %s", self._client.name, error)


class _Peer:
    """The socket that simple-websocket sees: whole writes, deadlines, quotas, and the end of whoever breaks them."""

    def __init__(self, transport: Transport, client: Client, timing: Timing, quota: Quota) -> None:
        self.quota = quota
        self._transport = transport
        self._client = client
        self._timing = timing
        self._closing = False  # the library is about to send a close frame
        self._silent_at = time.monotonic() + timing.silence

    def send(self, data: bytes) -> int:
        """Write a pong, a close frame, or the handshake's answer, whole and within the write deadline.

        Once we have ended the client, nothing more: the write pump says goodbye, and nothing may follow that.
        """
        if self._closing and self._client.end is End.GONE:
            # Not even a frame that is on its way follows a close frame.
            self._transport.last_words(data)
        elif self._client.end in (None, End.GONE):
            try:
                self._transport.send(data, time.monotonic() + self._timing.write)
            except TimeoutError:
                self._client.close(End.SLOW_CONSUMER)  # it pings, but does not read
                raise
        return len(data)

    def recv(self, size: int) -> bytes:
        """Read within the silence deadline; a peer that sends too much or nothing is ended."""
        try:
            data = self._transport.recv(size, self._silent_at)
        except TimeoutError:
            self._client.close(End.SILENT)
            raise
        self.quota.take(size=len(data))
        return data

    def pong(self) -> None:
        """Move the silence deadline: the peer is alive."""
        self._silent_at = time.monotonic() + self._timing.silence

    def closing(self, *, too_big: bool) -> None:
        """End the client first, so that no frame follows the library's close frame (RFC 6455 section 5.5.1)."""
        self._closing = True
        self._client.close(End.TOO_BIG if too_big else End.GONE)

    def close(self) -> None:
        """Do nothing: the library closes when its reader ends, but our goodbye may be still to come."""
