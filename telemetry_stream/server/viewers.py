"""Viewers: how many there may be, the connection of each from its first byte to its last, and what is told of them."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..hub import Client, End, Hub
from ..net.transport import Transport
from ..net.wsgi import HIJACK
from ..stream import Choice, Framing, Resume, Stream
from ..websocket import frame
from ..websocket.connection import Connection, ThreadUnavailableError, Timing
from . import lines
from .answer import JSON_HEADERS, HTTPError

log = logging.getLogger(__name__)

WEBSOCKET_FRAMING = Framing(frame.text, frame.fragments)

NO_THREAD = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    b'{"error": "no thread to give"}'
)


@dataclass(frozen=True, slots=True)
class _Viewer:
    number: int
    client: Client
    choice: Choice
    transport: Transport
    since: float  # monotonic seconds


class Viewers:
    """Serves viewers on their connections' threads, at most ``limit`` of them at a time.

    The lock guards ``_viewers``, ``_places`` and ``refused``.
    """

    def __init__(self, hub: Hub, stream: Stream, *, limit: int, timing: Timing) -> None:
        self._hub = hub
        self._stream = stream
        self._limit = limit
        self._timing = timing
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._all_gone = threading.Condition(self._lock)
        self._places = limit
        self._viewers: dict[int, _Viewer] = {}
        self.refused = 0

    def websocket(self, environ: Mapping[str, Any], choice: Choice, resume: Resume | None) -> None:
        """Serve a viewer whose handshake has been checked. Raises HTTPError 503 if there are too many."""
        key = environ["HTTP_SEC_WEBSOCKET_KEY"]
        self._hand_over(environ, partial(self._serve_websocket, key, choice, resume))

    def lines(self, environ: Mapping[str, Any], choice: Choice, resume: Resume | None) -> None:
        """Serve a reader of JSON lines. Raises HTTPError 503 if there are too many viewers."""
        headers = [("Content-Type", "application/x-ndjson"), *JSON_HEADERS[1:]]
        self._hand_over(environ, partial(self._serve_lines, choice, resume), "200 OK", headers)

    def _hand_over(
        self, environ: Mapping[str, Any], serve: Callable[[int, Transport], None], *head: object
    ) -> None:
        """Take a place, and the connection from HTTP; ``serve(number, transport)`` runs when HTTP has let go."""
        number = self._take_place()

        def serve_and_leave(transport: Transport) -> None:
            try:
                serve(number, transport)
            finally:
                self._give_place_back(number)

        try:
            environ[HIJACK](serve_and_leave, *head)
        except BaseException:
            self._give_place_back(number)
            raise

    def _serve_websocket(
        self,
        key: str,
        choice: Choice,
        resume: Resume | None,
        number: int,
        transport: Transport,
    ) -> None:
        client = Client(transport.try_send, topic=choice, name=f"ws{number} {transport.peer}")
        connection = Connection(transport, key, client, number=number, timing=self._timing)
        viewer = _Viewer(number, client, choice, transport, time.monotonic())
        self._serve(viewer, resume, connection.serve)

    def _serve_lines(
        self, choice: Choice, resume: Resume | None, number: int, transport: Transport
    ) -> None:
        client = Client(transport.try_send, topic=choice, name=f"lines{number} {transport.peer}")
        viewer = _Viewer(number, client, choice, transport, time.monotonic())
        write_seconds = self._timing.write
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
        with self._lock:
            self._viewers[viewer.number] = viewer
        try:
            serve(lambda: self._stream.join(viewer.client, resume))
        except ThreadUnavailableError as error:
            log.error("viewer %s refused: %s", viewer.client.name, error)
            viewer.transport.send(NO_THREAD, time.monotonic() + self._timing.close)
        finally:
            self._hub.unregister(viewer.client)
            self._log_end(viewer)

    def _log_end(self, viewer: _Viewer) -> None:
        client = viewer.client
        end = client.end or End.GONE
        log.log(
            logging.WARNING if end is End.SLOW_CONSUMER else logging.INFO,
            "viewer %s ended: %s after %.1f s, %d frames sent, %d dropped",
            client.name, end.words, time.monotonic() - viewer.since, client.sent, client.dropped,
        )  # fmt: skip

    def _take_place(self) -> int:
        with self._lock:
            if not self._places:
                self.refused += 1
                raise HTTPError(
                    "503 Service Unavailable",
                    f"there are {self._limit} viewers, which is as many as may be",
                    (("Retry-After", "10"),),
                )
            self._places -= 1
        return next(self._numbers)

    def _give_place_back(self, number: int) -> None:
        with self._lock:
            self._viewers.pop(number, None)
            self._places += 1
            if self._places == self._limit:
                self._all_gone.notify_all()

    def wait_until_gone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds for every viewer's connection to end."""
        with self._lock:
            return self._all_gone.wait_for(lambda: self._places == self._limit, timeout)

    def report(self) -> list[dict[str, Any]]:
        """One entry per viewer, in the order of their coming."""
        with self._lock:
            viewers = list(self._viewers.values())
        now = time.monotonic()
        return [_report(viewer, now) for viewer in viewers]


def _report(viewer: _Viewer, now: float) -> dict[str, Any]:
    client, choice = viewer.client, viewer.choice
    return {
        "id": viewer.number,
        "peer": viewer.transport.peer,
        "kind": "lines" if choice.framing is lines.FRAMING else "websocket",
        "sections": choice.sections,
        "every": choice.every,
        "connected_seconds": round(now - viewer.since, 3),
        "sent_frames": client.sent,
        "sent_bytes": viewer.transport.bytes_sent,
        "dropped_frames": client.dropped,
        "waiting_frames": client.queue.qsize(),
    }
