"""The head of a request as a WSGI environ (PEP 3333).

Relies on h11 to parse the head. Heads that h11 accepts but an application must not see are rejected here. Pure: of the
transport only the addresses are used.
"""

from __future__ import annotations

import io
import sys
from typing import Any
from urllib.parse import unquote_to_bytes

import h11

from .transport import Transport


def environ_of(request: h11.Request, transport: Transport) -> dict[str, Any]:
    """Return the environ of ``request``. Raises h11.RemoteProtocolError, with a status hint, if it is invalid."""
    if not request.http_version.startswith(b"1."):
        raise h11.RemoteProtocolError("HTTP version is not supported", error_status_hint=505)
    method = request.method.decode("ascii")
    authority, path, query = _split_target(method, request.target.decode("ascii"))
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": f"HTTP/{request.http_version.decode('ascii')}",
        "SERVER_NAME": transport.local_address[0],
        "SERVER_PORT": str(transport.local_address[1]),
        "REMOTE_ADDR": transport.peer_address[0],
        "REMOTE_PORT": str(transport.peer_address[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if transport.secure else "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        if _has_control_character(value):
            raise h11.RemoteProtocolError(f"Control character in header {name}")
        # X_Forwarded_For would get the same key as X-Forwarded-For, which a proxy in front of us sets and checks. A
        # length and a transfer coding would announce a body, which is not read.
        if "_" in name or name in ("content-length", "transfer-encoding"):
            continue
        key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
        if key in environ:
            value = f"{environ[key]}{'; ' if name == 'cookie' else ','}{value}"
        environ[key] = value
    if authority is not None:  # it replaces the Host header (RFC 9112 section 3.2.2)
        environ["HTTP_HOST"] = authority
    return environ


def announces_body(request: h11.Request) -> bool:
    """Return whether the head announces a body."""
    # h11 has checked that there is at most one length, and that it is a number.
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and int(value) > 0)
        for name, value in request.headers
    )


def _split_target(method: str, target: str) -> tuple[str | None, str, str]:
    """Split a request target (RFC 9112 section 3.2) into authority, decoded path and query."""
    if method == "CONNECT":
        raise h11.RemoteProtocolError("CONNECT is not supported", error_status_hint=501)
    authority = None
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        end = min((rest.find(c) for c in "/?" if c in rest), default=len(rest))
        authority, target = rest[:end], rest[end:]
        if not target.startswith("/"):
            target = "/" + target
        if not authority or "@" in authority:
            raise h11.RemoteProtocolError("Request target has no valid host")
    if not target.startswith("/") and (method, target) != ("OPTIONS", "*"):
        raise h11.RemoteProtocolError("Request target is not a path")
    if "#" in target:
        raise h11.RemoteProtocolError("Request target has a fragment")
    raw_path, _, query = target.partition("?")
    path = unquote_to_bytes(raw_path).decode("latin-1")
    if _has_control_character(path):
        raise h11.RemoteProtocolError("Control character in request target")
    return authority, path, query


def _has_control_character(text: str) -> bool:
    # Bytes above 0x7f belong to UTF-8. A tab is legal white space in a header.
    return any((c < " " and c != "\t") or c == "\x7f" for c in text)
