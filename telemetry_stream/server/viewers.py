"""Viewers: serves each one from its request to the end of its connection."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import threads
from ..access.credential import Credential
from ..access.forwarded import peer_of
from ..access.login import CREDENTIAL
from ..hub import Client, End, Hub, HubStats
from ..net.address import PerAddress
from ..net.answer import LINES_HEADERS, Headers, refusal
from ..net.rate_limited_log import RateLimitedLog
from ..net.transport import Transport
from ..net.wsgi import HIJACK
from ..stream import Framing
from ..websocket import frame
from ..websocket.connection import Connection, Timing
from ..websocket.quota import Allowance
from . import lines
from .registry import Registry, Selection, Viewer

log = logging.getLogger(__name__)

# Registers a viewer's client, and queues its first messages. It gets the client and the name of the viewer's token.
Join = Callable[[Client, str | None], object]

ENDS_LOGGED = 60  # lines a minute: a viewer may come and go at any rate


class Kind(NamedTuple):
    """A kind of viewer: its name in reports, the prefix of its name in the log, and its bytes on the wire.

    ``head`` is the status and the headers of the response. A WebSocket has none: its connection answers the handshake.
    """

    name: str
    prefix: str
    framing: Framing
    head: tuple[str, Headers] | tuple[()]


WEBSOCKET = Kind("websocket", "ws", Framing(frame.text, frame.fragments), ())
LINES = Kind("lines", "lines", lines.FRAMING, ("200 OK", LINES_HEADERS))


class Viewers:
    """Serves viewers on the threads of their connections, within the limits. Any thread may call it."""

    def __init__(
        self,
        hub: Hub,
        *,
        limit: int,
        per_address: PerAddress,
        timing: Timing,
        allowance: Allowance,
        is_valid: Callable[[Credential | None], bool],
        headers: Headers,
    ) -> None:
        """Keep the parts and the limits.

        ``is_valid(credential)`` returns whether a viewer that was accepted with it would be accepted now.
        ``headers`` are sent with the answer to a viewer for which there is no thread.
        """
        self._hub = hub
        self._registry = Registry(limit, per_address)
        self._timing = timing
        self._allowance = allowance
        self._is_valid = is_valid
        self._no_thread = refusal("503 Service Unavailable", "Out of threads", headers)
        self._out_of_threads = RateLimitedLog(log, logging.ERROR)
        # Two logs: viewers that come and go must not hide those that are too slow.
        self._ended = RateLimitedLog(log, logging.INFO, burst=ENDS_LOGGED)
        self._too_slow = RateLimitedLog(log, logging.WARNING, burst=ENDS_LOGGED)

    def serve(self, environ: Mapping[str, Any], kind: Kind, choice: Selection, join: Join) -> None:
        """Serve the client of this request as a viewer. The caller has checked its access and its parameters.

        ``choice`` is the topic of its client, which ``join`` registers.

        Reserves a slot and takes over the transport. When the request is done, ``serve_and_release`` runs on the same
        thread until the viewer ends. Raises HTTPError 429 or 503 if a limit is reached.
        """
        address, peer, credential = environ["REMOTE_ADDR"], peer_of(environ), environ[CREDENTIAL]
        key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
        number = self._registry.reserve(address)

        # Must not refer to environ, which would then stay in memory as long as the viewer.
        def serve_and_release(transport: Transport) -> None:
            try:
                name = f"{kind.prefix}{number} {peer}"
                # TLS encrypts each frame for each viewer separately.
                sink = None if transport.secure else transport
                client = Client(transport.try_send, sink=sink, topic=choice, name=name)
                viewer = Viewer(number, kind.name, peer, credential, choice, client, transport)
                self._serve(viewer, kind, join, key)
            finally:
                self._registry.release(number, address)

        try:
            environ[HIJACK](serve_and_release, *kind.head)
        except BaseException:
            self._registry.release(number, address)
            raise

    def _serve(self, viewer: Viewer, kind: Kind, join: Join, key: str) -> None:
        """Run the viewer's pumps, join it to its stream, and unregister it when it has ended."""
        number, client, transport = viewer.number, viewer.client, viewer.transport
        timing, allowance, until = self._timing, self._allowance, _expiry(viewer)
        try:
            if kind is LINES:
                self._join(viewer, join)
                lines.serve(transport, client, number=number, timing=timing, until=until)
            else:
                with Connection(
                    transport,
                    key,
                    client,
                    number=number,
                    timing=timing,
                    allowance=allowance,
                    until=until,
                ) as connection:
                    self._join(viewer, join)
                    connection.read()
        except threads.ThreadUnavailableError as error:
            self._out_of_threads.log("Viewer %s refused: %s", client.name, error)
            transport.send(self._no_thread, time.monotonic() + timing.close)
        finally:
            self._hub.unregister(client)
            if viewer in self._registry:
                self._log_end(viewer)

    def _log_end(self, viewer: Viewer) -> None:
        client = viewer.client
        end = client.end or End.GONE
        limited = self._too_slow if end is End.SLOW_CONSUMER else self._ended
        limited.log(
            "Viewer %s ended: %s after %.1f s, %d frames sent, %d dropped",
            client.name, end.reason, time.monotonic() - viewer.since, client.sent, client.dropped,
        )  # fmt: skip

    def _join(self, viewer: Viewer, join: Join) -> None:
        self._registry.add(viewer)
        join(viewer.client, viewer.user)
        # The token or the login may have ended since the request was checked. From now on, close_revoked finds the
        # viewer.
        self._close_if_revoked(viewer)

    def close_revoked(self) -> None:
        """End every viewer whose credential is no longer valid. To be called after a change of tokens or a log-out."""
        for viewer in self._registry.viewers():
            self._close_if_revoked(viewer)

    def _close_if_revoked(self, viewer: Viewer) -> None:
        if not self._is_valid(viewer.credential):
            viewer.client.close(End.POLICY)

    def wait_until_gone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until the connection of every viewer has ended, and return whether it has."""
        return self._registry.wait_until_empty(timeout)

    @property
    def refused(self) -> int:
        """The number of viewers that were refused because a limit was reached."""
        return self._registry.refused

    def totals(self) -> HubStats:
        """Return the hub's counts of all present and past viewers."""
        return self._hub.stats()

    def report(self, may_identify: Callable[[Viewer], bool]) -> list[dict[str, Any]]:
        """Return an entry for each viewer, in the order in which they joined.

        Only entries of viewers for which ``may_identify`` returns true have the address and the name of the token.
        """
        now = time.monotonic()
        viewers = self._registry.viewers()
        return [viewer.report(now, identified=may_identify(viewer)) for viewer in viewers]


def _expiry(viewer: Viewer) -> float:
    """Return when the viewer's login expires, in monotonic seconds."""
    if viewer.credential is None:
        return math.inf
    return time.monotonic() + viewer.credential.remaining_seconds()
