"""Names, images, health and labels of containers, from the API of Docker or Podman.

    GET /containers/json
    [{"Id": "4f5a...", "Names": ["/web"], "Image": "nginx:1.29", "Status": "Up 2 hours (healthy)",
      "Labels": {"com.docker.compose.project": "shop"}}]

Both have this request (Docker Engine API, ContainerList; Podman, "Docker compatible"), and a proxy that allows nothing
else can answer it, too. Who can connect to the socket of Docker itself can become root, so nothing is requested unless
the setting names an address. The answer is limited in bytes and in time, and requested on a worker every 10 s. Without
an answer for a minute, the names are unknown.
"""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..blocking import Blocking, Result
from ..nesting import check_nesting
from ..source import Clock, Now
from .container_record import Described, Label

log = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
TIMEOUT_SECONDS = 5.0  # for the whole answer
FORGET_SECONDS = 60.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # 2 KiB for each of 2000 containers
MAX_CONTAINERS = 2000
MAX_CHARACTERS = 256  # of each text
MAX_LABELS = 32
DEFAULT_PORT = 2375
HEALTH = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)")


Answer = Mapping[str, Described]  # by the whole id


class ApiError(Exception):
    """The reason why an answer is not a valid one."""


class Api:
    """The containers that the APIs at some addresses report.

    The collecting thread calls the methods; a worker makes the requests.
    """

    def __init__(
        self, addresses: Sequence[str], clock: Clock, *, timeout_seconds: float = 0.0
    ) -> None:
        self._addresses = tuple(addresses)
        self._clock = clock
        self._blocking: Blocking[str, Answer] = Blocking(
            "ts-containers", request, clock, timeout_seconds=timeout_seconds
        )
        self._request_at = -math.inf
        self._seen: dict[str, Result[Answer]] = {}  # the newest result of each address
        self._good: dict[str, Result[Answer]] = {}  # the newest answer of each address
        self._described: dict[str, Described] = {}

    def described(self, now: Now) -> Answer:
        """Return what is known about each container, by its id. Never waits for an answer."""
        if now.monotonic >= self._request_at:
            self._request_at = now.monotonic + REQUEST_SECONDS
            self._blocking.request(self._addresses)
        self._blocking.check_workers()
        before = dict(self._good)
        for address in self._addresses:
            result = self._blocking.maybe_result(address)
            if result is not None and result is not self._seen.get(address):
                self._note(address, result)
        for address, result in list(self._good.items()):
            if now.monotonic >= result.at + FORGET_SECONDS:
                del self._good[address]
        if self._good != before:
            self._described = {}
            for result in self._good.values():
                self._described.update(result.value or {})
        return self._described

    def close(self) -> None:
        """End the idle workers."""
        self._blocking.close()
        self._request_at = -math.inf

    def _note(self, address: str, result: Result[Answer]) -> None:
        """Keep an answer, and log a failure when it begins, changes or ends."""
        before = self._seen.get(address)
        self._seen[address] = result
        reason_before = None if before is None else _reason(before)
        reason = _reason(result)
        if reason is None:
            self._good[address] = result
        if reason != reason_before:
            if reason is None:
                log.info("Container API %s: ok", address)
            else:
                log.warning("Container API %s: %s", address, reason)


def _reason(result: Result[Answer]) -> str | None:
    """Return why a request failed, or None."""
    if result.error is None:
        return None
    return (str(result.error) or type(result.error).__name__)[:MAX_CHARACTERS]


class _DeadlineSocket(socket.socket):
    """A socket whose reads together end at a deadline (monotonic). http.client has a timeout for each read only."""

    deadline = 0.0

    def recv_into(self, *arguments: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no complete answer in time")
        self.settimeout(left)
        return super().recv_into(*arguments)


def request(address: str) -> Answer:
    """Return the containers that the API at an address reports. Runs on a worker.

    Raises OSError, ApiError, or http.client.HTTPException. http.client is imported only here: it needs 2 MiB.
    """
    import http.client  # noqa: PLC0415

    connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT_SECONDS)
    connection.sock = _connected(address)
    try:
        connection.request("GET", "/containers/json", headers={"Accept": "application/json"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise ApiError(f"status {response.status}")
        body = response.read(MAX_ANSWER_BYTES + 1)
    finally:
        connection.close()
    if len(body) > MAX_ANSWER_BYTES:
        raise ApiError(f"an answer of more than {MAX_ANSWER_BYTES} bytes")
    return parse(body)


def _connected(address: str) -> _DeadlineSocket:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    parts = urlsplit(address)
    if parts.scheme == "unix":
        connected = _DeadlineSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.settimeout(TIMEOUT_SECONDS)
            connected.connect(parts.path)
        except OSError:
            connected.close()
            raise
    else:
        plain = socket.create_connection(
            (parts.hostname or "", parts.port or DEFAULT_PORT), TIMEOUT_SECONDS
        )
        connected = _DeadlineSocket(plain.family, plain.type, plain.proto, plain.detach())
    connected.deadline = deadline
    return connected


def parse(body: bytes) -> Answer:
    """Return the containers of an answer, by their id. Raises ApiError if it is not a list of objects."""
    try:
        check_nesting(body)
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"not JSON: {type(error).__name__}") from error
    if not isinstance(rows, list):
        raise ApiError("not a list")
    found = {}
    for row in rows[:MAX_CONTAINERS]:
        if isinstance(row, dict) and isinstance(row.get("Id"), str):
            found[row["Id"]] = _described(row)
    return found


def _described(row: Mapping[str, Any]) -> Described:
    names = row.get("Names")
    name = _maybe_text(names[0]) if isinstance(names, list) and names else None
    match = HEALTH.search(_maybe_text(row.get("Status")) or "")
    labels = row.get("Labels")
    pairs = list(labels.items())[:MAX_LABELS] if isinstance(labels, dict) else []
    return Described(
        (name or "").removeprefix("/") or None,
        _maybe_text(row.get("Image")) or None,
        match[1] if match else None,
        tuple(Label(_maybe_text(key) or "", _maybe_text(value)) for key, value in pairs),
    )


def _maybe_text(value: object) -> str | None:
    """Return a text that UTF-8 can represent, of limited length; None for another value."""
    if not isinstance(value, str):
        return None
    return value[:MAX_CHARACTERS].encode(errors="replace").decode()
