"""Who may ask: the one guard in front of every route, WebSocket handshakes included.

In this order: the proxy's word for the client where a proxy is trusted, then Host, then Origin, then the login.

A page of another site must neither read this host's telemetry by a WebSocket (browsers send those across sites, with
an Origin) nor by DNS rebinding (its own name, made to point at our address: the Host gives it away). An address as
Host needs no name to be rebound, so addresses pass; names must be our own. Pages of origins that were allowed in so
many words may read everything that a login may, and only they get CORS headers (fetch.spec.whatwg.org).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from ..net.answer import Answer, Headers, HTTPError
from ..net.wsgi import HEADERS
from .forwarded import Proxies
from .login import Login

Authority = tuple[str, int | None]


class Access:
    """Lets in requests whose Host is an address, ``localhost``, or one of ``names``, whose Origin is that Host or one
    of ``origins``, and who show ``login`` what it wants to see.
    """

    def __init__(
        self,
        names: Collection[str],
        *,
        origins: Collection[str] = (),
        login: Login | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._origins = frozenset(origin.lower() for origin in origins)
        self._login = login or Login()
        self._proxies = proxies or Proxies()

    def check(self, environ: dict[str, Any]) -> Answer | None:
        """None lets the request in; else what to answer instead of its route.

        Raises HTTPError 403 for a stranger, 400 for a Host that is none, and what the login raises.
        """
        self._proxies.correct(environ)
        host = _host_and_port(environ.get("HTTP_HOST", ""))
        if host is None:
            raise HTTPError("400 Bad Request", "the request's Host is not a host name or address")
        if not self._is_ours(host[0]):
            raise HTTPError("403 Forbidden", f"this server is not called {host[0][:100]!r}")
        if self._origins:
            environ[HEADERS].append(("Vary", "Origin"))
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and self._is_foreign(origin, host, environ["wsgi.url_scheme"]):
            environ[HEADERS].extend(_cors(origin))
            if _is_preflight(environ):
                return Answer("204 No Content", PREFLIGHT)
        return self._login.check(environ, host[1])

    @property
    def refused_tokens(self) -> int:
        """Tries with a token that were wrong, or came too soon after those that were."""
        throttle = self._login.throttle
        return throttle.failed + throttle.slowed

    def _is_foreign(self, origin: str, host: Authority, scheme: str) -> bool:
        """Whether the page is of an allowed other origin; False if it is our own. Raises HTTPError for all others."""
        if origin.lower() in self._origins:
            return True
        origin_scheme, _, authority = origin.partition("://")
        # A browser leaves the scheme's own port out of both, so no port is to be filled in. A proxy that ends TLS in
        # front of us does no harm; but a page that came without TLS may be anybody's, and we know that we have it.
        schemes = ("https",) if scheme == "https" else ("http", "https")
        if origin_scheme not in schemes or _host_and_port(authority) != host:
            raise HTTPError("403 Forbidden", "pages of another origin may not read this server")
        return False

    def _is_ours(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


PREFLIGHT: Headers = (
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "Authorization"),
    ("Access-Control-Max-Age", "600"),
)


def _cors(origin: str) -> Headers:
    """With credentials: a page of the same site may use the cookie of a login."""
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
    )


def _is_preflight(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def _host_and_port(authority: str) -> Authority | None:
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
