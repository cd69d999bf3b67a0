"""Opens a connection to a broker: name, TCP, TLS. Every step has a deadline and ends when the program stops.

getaddrinfo(3) has no deadline and cannot be interrupted. So a name is looked up on a thread of its own,
``ts-mqtt-dns``, at most one for each name.

``net/dial.py`` has another dialer, for transports: paho needs a plain socket, and here each wait also ends when the
waiter is stopped.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

from .. import threads
from ..net.dial import tls_error_of
from .brokers import Broker
from .waiter import StoppedError, Waiter

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0

Addresses = list[tuple[int, tuple[Any, ...]]]  # family and address


class DialError(Exception):
    """There is no connection to a broker: the reason in a few words."""


@dataclass(slots=True)
class _Lookup:
    """A lookup on its thread, which sets one of the two results."""

    addresses: Addresses | None = None
    error: str | None = None

    @property
    def is_done(self) -> bool:
        return self.addresses is not None or self.error is not None


class Dialer:
    """Connects to brokers. One thread uses it."""

    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter
        self._lookups: dict[str, _Lookup] = {}  # by host name: those that have not answered

    def connect(self, broker: Broker, context: ssl.SSLContext | None) -> socket.socket:
        """Return a non-blocking socket to the broker, over TLS if there is a ``context``.

        Takes at most CONNECT_SECONDS. Raises DialError, and StoppedError.
        """
        deadline = time.monotonic() + CONNECT_SECONDS
        addresses = self._addresses(broker, deadline)
        reason = "the name has no address"
        # An address that does not answer must not take the time of the others.
        for left, (family, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            now = time.monotonic()
            until = now + (deadline - now) / left
            try:
                return self._open(family, address, broker.host, context, until)
            except OSError as error:
                reason = _words(error)
        raise DialError(reason)

    def _addresses(self, broker: Broker, deadline: float) -> Addresses:
        try:
            return _look_up(broker.host, broker.port, socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            pass  # a name, or what cannot be one
        lookup = self._lookups.get(broker.host)
        if lookup is None:
            lookup = self._lookups[broker.host] = _Lookup()
            try:
                threads.start("ts-mqtt-dns", self._run_lookup, lookup, broker.host, broker.port)
            except threads.ThreadUnavailableError as error:
                lookup.error = str(error)
        while not lookup.is_done:
            self._check_stopped()
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise DialError("the name server does not answer")
            self._waiter.wait(seconds)
        del self._lookups[broker.host]
        if lookup.addresses is None:
            raise DialError(f"the name cannot be looked up: {lookup.error}")
        return lookup.addresses

    def _run_lookup(self, lookup: _Lookup, host: str, port: int) -> None:
        """Runs on ts-mqtt-dns."""
        try:
            lookup.addresses = _look_up(host, port, 0)
        except (OSError, UnicodeError) as error:
            lookup.error = _words(error) if isinstance(error, OSError) else "not a host name"
        self._waiter.wake()

    def _open(
        self,
        family: int,
        address: tuple[Any, ...],
        host: str,
        context: ssl.SSLContext | None,
        until: float,
    ) -> socket.socket:
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connect_tcp(opened, address, until)
            if context is not None:
                opened = context.wrap_socket(
                    opened, server_hostname=host, do_handshake_on_connect=False
                )
                self._shake_hands(opened, until)
        except BaseException:
            opened.close()
            raise
        return opened

    def _connect_tcp(self, opened: socket.socket, address: tuple[Any, ...], until: float) -> None:
        code = opened.connect_ex(address)
        if code == errno.EINPROGRESS:
            self._wait(opened, select.POLLOUT, until)
            code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _shake_hands(self, opened: ssl.SSLSocket, until: float) -> None:
        while True:
            try:
                opened.do_handshake()
            except ssl.SSLWantReadError:
                self._wait(opened, select.POLLIN, until)
            except ssl.SSLWantWriteError:
                self._wait(opened, select.POLLOUT, until)
            else:
                return

    def _wait(self, opened: socket.socket, events: int, until: float) -> None:
        """Raises TimeoutError at the monotonic time ``until``, and StoppedError."""
        while True:
            self._check_stopped()
            seconds = until - time.monotonic()
            if seconds <= 0:
                raise TimeoutError("no answer")
            if self._waiter.wait(seconds, opened, events):
                return

    def _check_stopped(self) -> None:
        if self._waiter.is_stopped:
            raise StoppedError


def _look_up(host: str, port: int, flags: int) -> Addresses:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


def _words(error: OSError) -> str:
    """Return why a connection failed, in the words of the system or of OpenSSL."""
    error = tls_error_of(error)
    return error.strerror or str(error) or type(error).__name__
