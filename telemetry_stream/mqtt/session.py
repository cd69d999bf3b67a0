"""One connection to a broker, by paho-mqtt, from the open socket to its end.

Strategy. paho's own loop uses select(2), which cannot wait for descriptors above 1023, and its thread ends silently
if a callback raises. So this program's thread waits with poll(2) and calls ``loop_read``, ``loop_write`` and
``loop_misc``. Each connection has a new paho client: one that is used again would keep messages of earlier connections
without a limit. Nothing is published while something else waits to be written, so the socket's buffer is the only
queue, and nothing is read meanwhile, so that answers to the broker cannot collect either. One system call reads all
packets that have arrived; paho gets those from memory that are no messages of QoS 0 (see packets.py).

Callbacks only note what happened; ``exchange`` returns it.
"""

from __future__ import annotations

import math
import select
import socket
import ssl
import time
from collections import deque
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from .packets import Message, PacketError, PacketReader
from .waiter import Waiter

ACCEPT_SECONDS = 5.0  # for the answer to CONNECT
READ_BYTES = 64 * 1024
PACKETS_AT_ONCE = 500  # while more arrive, pings are answered, and the caller has other work, too


class Login(NamedTuple):
    """What CONNECT contains. ``will`` is a topic and a payload, or None."""

    client_id: str
    user: str
    password: str | None
    will: tuple[str, bytes] | None


class Limits(NamedTuple):
    """What a broker may send, and how long it may be silent. The defaults are those of an agent.

    ``packet_bytes`` are without the header of the packet; the payload of a larger message is discarded. A broker that
    sends more than ``packets_per_second`` gets no more of this host's time: TCP makes it wait.
    """

    packet_bytes: int = 64 * 1024
    packets_per_second: int = 200
    keepalive_seconds: int = 10


DEFAULT_LIMITS = Limits()


class _Socket:
    """The socket that paho uses: it writes to the connection, and reads what ``give`` has got."""

    def __init__(self, wrapped: socket.socket) -> None:
        self._wrapped = wrapped
        self._given = b""  # and of it, paho has received what is before ``_place``
        self._place = 0

    def give(self, packet: bytes) -> None:
        """Let paho receive a packet, after it has received the one before."""
        self._given, self._place = packet, 0

    @property
    def has_given(self) -> bool:
        """Whether paho has something to receive."""
        return self._place < len(self._given)

    def recv(self, size: int) -> bytes:
        if not self.has_given:
            raise BlockingIOError
        piece = self._given[self._place : self._place + size]
        self._place += len(piece)
        return piece

    def send(self, data: bytes) -> int:
        return self._wrapped.send(data)

    def fileno(self) -> int:
        return self._wrapped.fileno()

    def setblocking(self, flag: bool) -> None:
        self._wrapped.setblocking(flag)

    def pending(self) -> int:
        """Return the number of bytes that were received and that poll(2) does not report."""
        return self._wrapped.pending() if isinstance(self._wrapped, ssl.SSLSocket) else 0

    def close(self) -> None:
        """Do nothing: the Session closes the socket. Closed with unread bytes, TCP would discard the last messages."""

    def end(self, seconds: float, waiter: Waiter) -> None:
        """Announce the end to the broker, wait up to ``seconds`` until it has read everything, and close."""
        deadline = time.monotonic() + seconds
        try:
            self._wrapped.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                if waiter.wait(left, self._wrapped) and not self._wrapped.recv(READ_BYTES):
                    break
        except OSError:
            pass  # the broker has closed it
        self._wrapped.close()


class _Client(paho.Client):
    """paho's client on a socket that is connected already: paho itself would block while it connects."""

    def __init__(self, client_id: str, opened: _Socket) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=True,
            reconnect_on_failure=False,
        )
        self._opened = opened

    def _create_socket(self) -> Any:
        return self._opened


class Session:
    """A connection from CONNECT to its end. One thread uses it.

    ``end`` is None while it is open, and then the reason in a few words. ``is_accepted`` is set by the broker's answer.
    """

    def __init__(
        self, opened: socket.socket, login: Login, waiter: Waiter, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """Send CONNECT. The session owns the socket, also if this raises."""
        self.end: str | None = None
        self.is_accepted = False
        # When bytes of the broker arrived last, or the session began (monotonic seconds).
        self.received_at = time.monotonic()
        # When the broker last sent more than the limit (monotonic seconds).
        self.exceeded_at = -math.inf
        self._waiter = waiter
        self._opened = opened
        self._socket = _Socket(opened)
        self._reader = PacketReader(limits.packet_bytes)
        self._received: deque[Message] = deque()
        self._began_at = time.monotonic()
        self._max_packets = limits.packets_per_second
        self._second = 0  # in which the packets are counted
        self._packets = 0
        try:
            client = self._client = _Client(login.client_id, self._socket)
            client.on_connect = self._on_connect
            client.on_message = self._on_message
            if login.will is not None:
                topic, payload = login.will
                client.will_set(topic, payload, qos=1, retain=True)
            if login.user:
                client.username_pw_set(login.user, login.password)
            # The address is not used, because the socket is open.
            self._call(lambda: client.connect("broker", keepalive=limits.keepalive_seconds))
        except BaseException:
            opened.close()
            raise

    @property
    def has_unwritten(self) -> bool:
        """Whether a message waits for the socket."""
        return self._client.want_write()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish with QoS 0. Return False if the session has ended, or while an earlier message is not written."""
        if self.end is not None or self.has_unwritten:
            return False
        self._call(lambda: self._client.publish(topic, payload, retain=retain).rc)
        return self.end is None

    def publish_retained(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 1, to be kept by the broker. Only for a few messages: they are queued without a limit."""
        if self.end is None:
            self._call(lambda: self._client.publish(topic, payload, qos=1, retain=True).rc)

    def subscribe(self, topics: list[str]) -> None:
        """Subscribe with QoS 0."""
        if self.end is None:
            self._call(lambda: self._client.subscribe([(topic, 0) for topic in topics])[0])

    def unsubscribe(self, topics: list[str]) -> None:
        """End subscriptions to these topics."""
        if self.end is None:
            self._call(lambda: self._client.unsubscribe(topics)[0])

    def exchange(self, seconds: float) -> list[Message]:
        """Wait up to ``seconds`` for the broker or the alarm, write and read, and return what arrived."""
        now = time.monotonic()
        if int(now) != self._second:
            self._second, self._packets = int(now), 0
        if self.has_unwritten:
            if self._waiter.wait(seconds, self._socket, select.POLLOUT):
                self._call(self._client.loop_write)
        elif self._packets >= self._max_packets:
            self.exceeded_at = now
            self._waiter.wait(min(seconds, self._second + 1 - now))
        elif self._may_read() or self._waiter.wait(seconds, self._socket, select.POLLIN):
            self._read_packets()
        if self.end is None:
            self._call(self._client.loop_misc, "it does not answer")
        if not self.is_accepted and time.monotonic() > self._began_at + ACCEPT_SECONDS:
            self.abort("it does not answer")
        received = list(self._received)
        self._received.clear()
        return received

    def _may_read(self) -> bool:
        """Whether something was received that poll(2) does not report."""
        return self._reader.may_have_more or self._socket.pending() > 0

    def _read_packets(self) -> None:
        """Read what has arrived, within the limit of the second."""
        until = min(self._packets + PACKETS_AT_ONCE, self._max_packets)
        if not self._reader.may_have_more and not self._receive():
            return
        while self.end is None and self._packets < until and not self.has_unwritten:
            try:
                messages, other, taken = self._reader.take(until - self._packets)
            except PacketError as error:
                self.end = str(error)
                return
            self._packets += taken
            self._received += messages
            self._give(other)
            if not self._reader.may_have_more and not (self._socket.pending() and self._receive()):
                return

    def _receive(self) -> bool:
        """Receive bytes without waiting; return whether there were any."""
        try:
            data = self._opened.recv(READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            data = b""
        if not data:
            self.end = self.end or "the connection was lost"
            return False
        self.received_at = time.monotonic()
        self._reader.add(data)
        return True

    def _give(self, packet: bytes) -> None:
        """Let paho handle a packet."""
        self._socket.give(packet)
        while self._socket.has_given and self.end is None:
            self._call(self._client.loop_read)

    def finish(self, seconds: float) -> None:
        """Send DISCONNECT after everything that was published, and wait up to ``seconds`` until it is written.

        A broker sends no will after it.
        """
        deadline = time.monotonic() + seconds
        if self.end is None:
            self._call(self._client.disconnect, "closed")
        while self.end is None and (left := deadline - time.monotonic()) > 0:
            if self._waiter.wait(left, self._socket, select.POLLOUT):
                self._call(self._client.loop_write, "closed")
        self._socket.end(deadline - time.monotonic(), self._waiter)
        self.abort("closed")

    def abort(self, reason: str) -> None:
        """End the session without DISCONNECT, unless it has ended."""
        if self.end is None:
            self.end = reason
        self._opened.close()

    def _call(self, function: Any, reason: str = "the connection was lost") -> None:
        """Call a function of paho, and note if it ended the session."""
        try:
            code = function()
        # paho raises struct.error and others for packets that are cut off.
        except Exception as error:  # noqa: BLE001
            self.end = self.end or f"it sent an invalid packet ({type(error).__name__})"
            return
        if self._client.socket() is None or code:
            self.end = self.end or reason

    def _on_connect(
        self, _client: object, _data: object, _flags: object, code: Any, _: Any
    ) -> None:
        if code.is_failure:
            self.end = f"it refused the connection: {code}"
        else:
            self.is_accepted = True

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self._received.append(Message(message.topic, bytes(message.payload), message.retain))
