"""``telemetry-stream silence``: lists, adds and removes silences of a running program on this host, over its API."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ..alerts.duration import seconds_of
from ..alerts.names import ExpressionError
from ..alerts.rules_command import UsageError
from ..escape import escaped
from .silences import MAX_SECONDS

USAGE = (
    "use 'silence list', 'silence remove ID' or 'silence add for=2h rule=NAME severity=NAME host=NAME LABEL=VALUE"
    " comment=TEXT', with one of rule, severity, host and a label at least"
)
TIMEOUT_SECONDS = 10.0
OWN_WORDS = ("rule", "severity", "host", "comment")


class Place(NamedTuple):
    """Where the program listens, by its settings."""

    host: str
    port: int
    certificate: str  # "" without TLS
    token: str | None


def run(words: Sequence[str], place: Place) -> str:
    """Return what the command prints. Raises UsageError, also if the program does not answer or refuses."""
    if list(words) == ["list"]:
        found = _request(place, "GET", {})["silences"]
        return "\n".join(map(_described, found)) or "no silences"
    if len(words) == 2 and words[0] == "remove":
        return f"removed: {_request(place, 'DELETE', {'id': words[1]})['removed']}"
    if words and words[0] == "add":
        return f"added: {_described(_request(place, 'POST', _parameters(words[1:])))}"
    raise UsageError(f"silence: {USAGE}")


def _parameters(words: Sequence[str]) -> dict[str, str]:
    """Return the query for the words of ``silence add``. Raises UsageError."""
    found: dict[str, str] = {}
    labels = []
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals and value) or name in found:
            raise UsageError(f"silence: {word!r} is not NAME=VALUE, or is given twice; {USAGE}")
        if name == "for":
            try:
                found["seconds"] = f"{seconds_of(value, 1, MAX_SECONDS):.0f}"
            except ExpressionError as error:
                raise UsageError(f"silence: for: {error}") from None
        elif name in OWN_WORDS:
            found[name] = value
        else:  # a comma separates labels, so any character may stand in its place
            labels.append(word.replace(",", "?"))
    if "seconds" not in found:
        raise UsageError(f"silence: for=DURATION is missing; {USAGE}")
    if labels:
        found["labels"] = ",".join(labels)
    return found


def _request(place: Place, method: str, query: dict[str, str]) -> Any:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place.host, place.host)
    shown = f"{host} port {place.port}"
    connection: http.client.HTTPConnection
    try:
        if place.certificate:
            context = _context(place.certificate)
            connection = http.client.HTTPSConnection(
                host, place.port, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, place.port, timeout=TIMEOUT_SECONDS)
        with closing(connection):
            headers = {"Authorization": f"Bearer {place.token}"} if place.token else {}
            target = "/api/v1/silences" + (f"?{urlencode(query)}" if query else "")
            connection.request(method, target, headers=headers)
            response = connection.getresponse()
            answer = json.loads(response.read(1024 * 1024))
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no valid answer"
        raise UsageError(f"silence: the program at {shown} cannot be reached: {reason}") from None
    if response.status != 200:
        hint = (
            " (start it with --notify FILE)"
            if response.status == 404 and method != "DELETE"
            else ""
        )
        raise UsageError(f"silence: {answer.get('error', response.status)}{hint}")
    return answer


def _context(certificate: str) -> ssl.SSLContext:
    """Return a context that accepts exactly the certificate of this program, whatever its names are."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _described(silence: Any) -> str:
    parts = [f"{name}={silence[name]}" for name in ("rule", "severity", "host") if silence[name]]
    parts += [f"{name}={value}" for name, value in silence["labels"].items()]
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(silence["until_unix"]))
    who = f" by {silence['by']}" if silence["by"] else ""
    comment = f": {silence['comment']}" if silence["comment"] else ""
    return escaped(f"{silence['id']} until {until}{who}, {' '.join(parts)}{comment}")
