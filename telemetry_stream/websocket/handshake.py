"""Checks whether a request opens a WebSocket (RFC 6455 section 4.2.1). simple-websocket checks none of this.

Whether the client may open one (Host, Origin, token) is checked for every route by ``access``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ..net.answer import HTTPError

KEY_BYTES = 16


def maybe_refuse(environ: Mapping[str, Any]) -> HTTPError | None:
    """Return the answer that refuses the handshake in this WSGI environ, or None if it is correct."""
    if environ["REQUEST_METHOD"] != "GET":
        return HTTPError(
            "405 Method Not Allowed", "A WebSocket must be opened with GET", (("Allow", "GET"),)
        )
    if environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        return HTTPError("400 Bad Request", "A WebSocket must be opened with HTTP/1.1")
    if "websocket" not in _tokens(environ.get("HTTP_UPGRADE")):
        return HTTPError(
            "426 Upgrade Required",
            "This address is a WebSocket, but the request has no header 'Upgrade: websocket'",
            (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
        )
    if "upgrade" not in _tokens(environ.get("HTTP_CONNECTION")):
        return HTTPError("400 Bad Request", "The request has no header 'Connection: Upgrade'")
    version = environ.get("HTTP_SEC_WEBSOCKET_VERSION", "")
    if version != "13":
        return HTTPError(
            "426 Upgrade Required",
            f"Sec-WebSocket-Version {version[:20]!r} is not supported (use 13)",
            (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
        )
    if not _is_key(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")):
        return HTTPError("400 Bad Request", "Sec-WebSocket-Key must be 16 bytes in base64")
    return None


def _tokens(header: str | None) -> set[str]:
    """Return the comma-separated tokens of a header, in lower case."""
    return {token.strip().lower() for token in (header or "").split(",")}


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("latin-1"), validate=True)) == KEY_BYTES
    except binascii.Error:
        return False
