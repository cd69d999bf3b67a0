"""Viewers: how many there may be, the connection of each from its first byte to its last, and what is told of them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, NoReturn

from ..access.forwarded import peer_of
from ..access.login import USER
from ..access.tokens import Token
from ..hub import Client, End, Hub, HubStats
from ..net.address import PerAddress
from ..net.answer import LINES_HEADERS, Headers, HTTPError
from ..net.rate_limited_log import RateLimitedLog
from ..net.refuser import refusal
from ..net.transport import Transport
from ..net.wsgi import HIJACK
from ..stream import Choice, Framing, Resume, Stream
from ..websocket import frame
from ..websocket.connection import Connection, ThreadUnavailableError, Timing
from ..websocket.inbound import Allowance
from . import lines

log = logging.getLogger(__name__)

WEBSOCKET_FRAMING = Framing(frame.text, frame.fragments)


class _Guest(NamedTuple):
    number: int
    address: str
    peer: str
    token: Token | None  # what has let it in

    @property
    def user(self) -> str | None:
        return self.token.name if self.token else None


@dataclass(frozen=True, slots=True)
class _Viewer:
    guest: _Guest
    client: Client
    choice: Choice
    transport: Transport
    since: float  # monotonic seconds


class Viewers:
    """Serves viewers on their connections' threads, at most ``limit`` of them at a time, and so many per address.

    The lock guards ``_viewers``, ``_places`` and ``refused``.
    """

    def __init__(
        self,
        hub: Hub,
        stream: Stream,
        *,
        limit: int,
        timing: Timing,
        per_address: PerAddress | None = None,
        allowance: Allowance = Allowance(),  # noqa: B008  # immutable
        holds: Callable[[Token | None], bool] = lambda _: True,
        headers: Headers = (),
    ) -> None:
        """``holds`` says whether the token that has let a viewer in still does. ``headers`` are sent with the answer
        to a viewer for whom there is no thread.
        """
        self._hub = hub
        self._stream = stream
        self._limit = limit
        self._timing = timing
        self._per_address = per_address or PerAddress(limit)
        self._allowance = allowance
        self._holds = holds
        self._no_thread = refusal("503 Service Unavailable", "no thread to give", headers)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._all_gone = threading.Condition(self._lock)
        self._places = limit
        self._viewers: dict[int, _Viewer] = {}
        self.refused = 0
        # Who is refused may try again for ever. One address must not keep silent that all places are taken.
        self._full = RateLimitedLog(log, logging.WARNING)
        self._address_full = RateLimitedLog(log, logging.WARNING)
        self._lacks = RateLimitedLog(log, logging.ERROR)

    def websocket(self, environ: Mapping[str, Any], choice: Choice, resume: Resume | None) -> None:
        """Serve a viewer whose handshake has been checked. Raises HTTPError 503 if there are too many."""
        key = environ["HTTP_SEC_WEBSOCKET_KEY"]
        self._hand_over(environ, partial(self._serve_websocket, key, choice, resume))

    def lines(self, environ: Mapping[str, Any], choice: Choice, resume: Resume | None) -> None:
        """Serve a reader of JSON lines. Raises HTTPError 503 if there are too many viewers."""
        self._hand_over(
            environ, partial(self._serve_lines, choice, resume), "200 OK", LINES_HEADERS
        )

    def _hand_over(
        self,
        environ: Mapping[str, Any],
        serve: Callable[[_Guest, Transport], None],
        *head: object,
    ) -> None:
        """Take a place, and the connection from HTTP; ``serve(guest, transport)`` runs when HTTP has let go."""
        address = environ["REMOTE_ADDR"]
        number = self._take_place(address)
        guest = _Guest(number, address, peer_of(environ), environ[USER])

        def serve_and_leave(transport: Transport) -> None:
            try:
                serve(guest, transport)
            finally:
                self._give_place_back(guest)

        try:
            environ[HIJACK](serve_and_leave, *head)
        except BaseException:
            self._give_place_back(guest)
            raise

    def _serve_websocket(
        self,
        key: str,
        choice: Choice,
        resume: Resume | None,
        guest: _Guest,
        transport: Transport,
    ) -> None:
        client = Client(transport.try_send, topic=choice, name=f"ws{guest.number} {guest.peer}")
        connection = Connection(
            transport,
            key,
            client,
            number=guest.number,
            timing=self._timing,
            allowance=self._allowance,
        )
        viewer = _Viewer(guest, client, choice, transport, time.monotonic())
        self._serve(viewer, resume, connection.serve)

    def _serve_lines(
        self, choice: Choice, resume: Resume | None, guest: _Guest, transport: Transport
    ) -> None:
        number, write_seconds = guest.number, self._timing.write
        client = Client(transport.try_send, topic=choice, name=f"lines{number} {guest.peer}")
        viewer = _Viewer(guest, client, choice, transport, time.monotonic())
        self._serve(
            viewer,
            resume,
            lambda on_open: lines.serve(
                transport, client, on_open, number=number, write_seconds=write_seconds
            ),
        )

    def _serve(
        self,
        viewer: _Viewer,
        resume: Resume | None,
        serve: Callable[[Callable[[], object]], None],
    ) -> None:
        """Pump for one viewer from its joining to its end."""

        def on_open() -> None:
            with self._lock:
                self._viewers[viewer.guest.number] = viewer
            self._stream.join(viewer.client, resume, viewer.guest.user)
            self._maybe_end(viewer)  # the token may have been withdrawn since it was looked at

        try:
            serve(on_open)
        except ThreadUnavailableError as error:
            self._lacks.log("viewer %s refused: %s", viewer.client.name, error)
            viewer.transport.send(self._no_thread, time.monotonic() + self._timing.close)
        finally:
            self._hub.unregister(viewer.client)
            with self._lock:
                has_joined = viewer.guest.number in self._viewers
            if has_joined:
                self._log_end(viewer)

    def _log_end(self, viewer: _Viewer) -> None:
        client = viewer.client
        end = client.end or End.GONE
        log.log(
            logging.WARNING if end is End.SLOW_CONSUMER else logging.INFO,
            "viewer %s ended: %s after %.1f s, %d frames sent, %d dropped",
            client.name, end.words, time.monotonic() - viewer.since, client.sent, client.dropped,
        )  # fmt: skip

    def end_withdrawn(self) -> None:
        """End every viewer whose token lets nobody in any more; call it when tokens have changed."""
        with self._lock:
            viewers = list(self._viewers.values())
        for viewer in viewers:
            self._maybe_end(viewer)

    def _maybe_end(self, viewer: _Viewer) -> None:
        if not self._holds(viewer.guest.token):
            viewer.client.close(End.POLICY)

    def _take_place(self, address: str) -> int:
        if not self._per_address.take(address):
            limit = self._per_address.limit
            self._address_full.log(
                "viewer refused: %s has %d, as many as one address may", address, limit
            )
            self._refuse("429 Too Many Requests", f"your address has {limit} viewers")
        with self._lock:
            is_free = self._places > 0
            self._places -= is_free
        if not is_free:
            self._per_address.give_back(address)
            self._full.log("viewer refused: there are %d, as many as may be", self._limit)
            self._refuse("503 Service Unavailable", f"there are {self._limit} viewers")
        return next(self._numbers)

    def _refuse(self, status: str, reason: str) -> NoReturn:
        with self._lock:
            self.refused += 1
        message = f"{reason}, which is as many as may be"
        raise HTTPError(status, message, (("Retry-After", "10"),))

    def _give_place_back(self, guest: _Guest) -> None:
        self._per_address.give_back(guest.address)
        with self._lock:
            self._viewers.pop(guest.number, None)
            self._places += 1
            if self._places == self._limit:
                self._all_gone.notify_all()

    def wait_until_gone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for every viewer's connection to end."""
        with self._lock:
            return self._all_gone.wait_for(lambda: self._places == self._limit, timeout)

    def totals(self) -> HubStats:
        """What the hub has counted of all that are or were here."""
        return self._hub.stats()

    def report(self) -> list[dict[str, Any]]:
        """One entry per viewer, in the order of their coming."""
        with self._lock:
            viewers = list(self._viewers.values())
        now = time.monotonic()
        return [_report(viewer, now) for viewer in viewers]


def _report(viewer: _Viewer, now: float) -> dict[str, Any]:
    guest, client, choice = viewer.guest, viewer.client, viewer.choice
    return {
        "id": guest.number,
        "peer": guest.peer,
        "user": guest.user,
        "kind": "lines" if choice.framing is lines.FRAMING else "websocket",
        "sections": choice.sections,
        "every": choice.every,
        "connected_seconds": round(now - viewer.since, 3),
        "sent_frames": client.sent,
        "sent_bytes": viewer.transport.bytes_sent,
        "dropped_frames": client.dropped,
        "waiting_frames": client.queue.qsize(),
    }
