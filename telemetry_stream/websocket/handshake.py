"""Whether a request may become a WebSocket (RFC 6455 section 4.2.1). simple-websocket asks for none of it.

Who may have one (Host, Origin, later tokens) is ``server.access``'s question, put to every route alike.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

KEY_BYTES = 16


class Refusal(NamedTuple):
    """The HTTP answer to a request that may not become a WebSocket."""

    status: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def maybe_refuse(environ: Mapping[str, Any]) -> Refusal | None:
    """What is wrong with the handshake in this WSGI environ, or None."""
    if environ["REQUEST_METHOD"] != "GET":
        return Refusal(
            "405 Method Not Allowed", "a WebSocket is opened with GET", (("Allow", "GET"),)
        )
    if environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        return Refusal("400 Bad Request", "a WebSocket is opened with HTTP/1.1")
    if "websocket" not in _tokens(environ.get("HTTP_UPGRADE")):
        return Refusal(
            "426 Upgrade Required",
            "this address speaks WebSocket: the request has no 'Upgrade: websocket'",
            (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
        )
    if "upgrade" not in _tokens(environ.get("HTTP_CONNECTION")):
        return Refusal("400 Bad Request", "the request has no 'Connection: Upgrade'")
    version = environ.get("HTTP_SEC_WEBSOCKET_VERSION", "")
    if version != "13":
        return Refusal(
            "426 Upgrade Required",
            f"Sec-WebSocket-Version is {version[:20]!r}: only 13 is spoken here",
            (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")),
        )
    if not _is_key(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")):
        return Refusal("400 Bad Request", "Sec-WebSocket-Key must be 16 bytes in base64")
    return None


def _tokens(header: str | None) -> set[str]:
    return {token.strip().lower() for token in (header or "").split(",")}


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("latin-1"), validate=True)) == KEY_BYTES
    except binascii.Error:
        return False
