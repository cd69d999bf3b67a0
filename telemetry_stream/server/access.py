"""Who may ask: the Host and Origin of every request, WebSocket handshakes included.

A page of another site must neither read this host's telemetry by a WebSocket (browsers send those across sites, with
an Origin) nor by DNS rebinding (its own name, made to point at our address: the Host gives it away). An address as
Host needs no name to be rebound, so addresses pass; names must be our own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .answer import HTTPError


class Access:
    """Lets in requests whose Host is an address, ``localhost``, or one of ``names``, and whose Origin is that Host."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = frozenset(name.lower().rstrip(".") for name in names)

    def check(self, environ: Mapping[str, Any]) -> None:
        """Raise HTTPError 403 for a stranger, 400 for a Host that is none."""
        host = _host_and_port(environ.get("HTTP_HOST", ""))
        if host is None:
            raise HTTPError("400 Bad Request", "the request's Host is not a host name or address")
        if not self._is_ours(host[0]):
            raise HTTPError("403 Forbidden", f"this server is not called {host[0][:100]!r}")
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return
        scheme, _, authority = origin.partition("://")
        # A browser leaves the scheme's own port out of both, so no port is to be filled in, and a proxy that ends TLS
        # in front of us does no harm.
        if scheme not in ("http", "https") or _host_and_port(authority) != host:
            raise HTTPError("403 Forbidden", "pages of another origin may not read this server")

    def _is_ours(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _host_and_port(authority: str) -> tuple[str, int | None] | None:
    """Parsed and in lower case; None for what is no authority."""
    try:
        parts = urlsplit(f"//{authority}")
        port = parts.port
    except ValueError:
        return None
    name = parts.hostname
    if not name or parts.netloc != authority or "@" in authority:
        return None
    shown = f"[{name}]" if ":" in name else name
    if authority.lower().partition(shown)[::2] not in (("", ""), ("", f":{port}")):
        return None  # urlsplit looks over what stands beside brackets
    return name.rstrip("."), port
