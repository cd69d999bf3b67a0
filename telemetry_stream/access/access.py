"""Access control: the one check in front of every route, WebSocket handshakes included.

``identify`` comes first: behind a trusted proxy, it takes the client's address and scheme from the proxy's headers. The
steps of ``maybe_answer``, in this order: check Host; check Origin and Sec-Fetch-Site; check the token.

Host and Origin protect against pages of other sites in the browser of a user. Such a page can open a WebSocket to us,
and the browser then sends the page's Origin. It can also use DNS rebinding: the page's own DNS name is changed to our
address, so its Host is that name. Therefore a name in Host must be one of ours, while an IP address is always
accepted, because nobody can rebind it. Pages of the origins that are configured may read everything that a token may
read. Only they get CORS headers (https://fetch.spec.whatwg.org/#http-cors-protocol). Browsers send no Origin with some
requests that a page of another site can cause, such as images. Sec-Fetch-Site shows these (see ``cause``). Such a page
cannot read the answers, but would use viewer slots and CPU.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from ..net.address import is_loopback
from ..net.answer import Answer, Headers, HTTPError
from ..net.wsgi import HEADERS
from .cause import is_from_other_site
from .credential import Credential
from .forwarded import Proxies
from .login import CREDENTIAL, Login

Authority = tuple[str, int | None]

MAX_ECHO = 100  # characters of a header that an error message repeats


class Access:
    """Checks the Host, the Origin and the token of each request.

    Host must be an IP address, ``localhost`` or a name below it, or one of ``names``. Origin may be absent; otherwise
    it must be that of the Host, or one of ``origins``. ``login`` checks the token.
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

    def identify(self, environ: dict[str, Any]) -> None:
        """Replace the address and scheme of a trusted proxy in ``environ`` by those of its client. Call it once."""
        self._proxies.correct(environ)

    def maybe_answer(self, environ: dict[str, Any]) -> Answer | None:
        """Return None if the request is accepted, else the answer to send instead of calling its route.

        Raises HTTPError: 400 for a malformed Host, 403 for a Host, an Origin or a site that is not allowed, and the
        errors of ``Login.maybe_answer``.
        """
        host = _maybe_authority(environ.get("HTTP_HOST", ""))
        if host is None:
            raise HTTPError("400 Bad Request", "The Host header is not a host name or address")
        if not self._is_our_name(host[0]):
            raise HTTPError(
                "403 Forbidden",
                f"Host {host[0][:MAX_ECHO]!r} is not allowed (add it with `--allow-host`)",
            )
        if self._origins:
            environ[HEADERS].append(("Vary", "Origin"))
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and self._is_other_origin(origin, host, environ["wsgi.url_scheme"]):
            environ[HEADERS].extend(_cors_headers(origin))
            if _is_preflight(environ):
                return Answer("204 No Content", PREFLIGHT_HEADERS)
        elif is_from_other_site(environ):
            raise HTTPError(
                "403 Forbidden",
                "Requests of other sites are not allowed (add the site with `--allow-origin`)",
            )
        return self._login.maybe_answer(environ, host[1])

    def is_valid(self, credential: Credential | None) -> bool:
        """Return whether a client that was accepted with this credential, or with none, would be accepted now."""
        return self._login.is_valid(credential)

    def log_in(self, environ: dict[str, Any]) -> Answer:
        """Return the answer that gives a browser a cookie for its token. Raises HTTPError 401."""
        return self._login.log_in(environ)

    def log_out(self, environ: dict[str, Any]) -> Answer:
        """End the login of a request that was accepted; return the answer."""
        return self._login.log_out(environ)

    def check_write(self, environ: dict[str, Any]) -> str:
        """Return the name of the user of a request that changes something, "" without tokens. Raises HTTPError 403.

        Pages of the configured origins may only read. Without tokens, only clients on this host may change something; a
        request that another program has forwarded may come from anywhere.
        """
        origin = environ.get("HTTP_ORIGIN")
        host = _maybe_authority(environ.get("HTTP_HOST", ""))
        if origin is not None and _maybe_authority(origin.partition("://")[2]) != host:
            raise HTTPError("403 Forbidden", "Pages of other sites may only read")
        credential: Credential | None = environ[CREDENTIAL]
        if credential is not None:
            return credential.token.name
        is_forwarded = "HTTP_X_FORWARDED_FOR" in environ or "HTTP_FORWARDED" in environ
        if is_forwarded or not is_loopback(environ["REMOTE_ADDR"]):
            raise HTTPError(
                "403 Forbidden", "Without a token, only clients on this host may change something"
            )
        return ""

    @property
    def refused_tokens(self) -> int:
        """The number of wrong tokens, including those that came while their address had to wait."""
        throttle = self._login.throttle
        return throttle.failed + throttle.rejected

    def _is_other_origin(self, origin: str, host: Authority, scheme: str) -> bool:
        """Return True for one of the configured origins, False for our own. Raises HTTPError 403 for any other."""
        if origin.lower() in self._origins:
            return True
        origin_scheme, _, authority = origin.partition("://")
        # Browsers leave the scheme's default port out of Host and of Origin, so the two can be compared as they are. If
        # the request came over plain HTTP, a proxy may have ended TLS, so an https page may be ours. If it came over
        # TLS, an http page is not ours: an attacker on the network can serve any http page.
        schemes = ("https",) if scheme == "https" else ("http", "https")
        if origin_scheme not in schemes or _maybe_authority(authority) != host:
            raise HTTPError(
                "403 Forbidden",
                f"Origin {origin[:MAX_ECHO]!r} is not allowed (add it with `--allow-origin`)",
            )
        return False

    def _is_our_name(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


PREFLIGHT_HEADERS: Headers = (
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "Authorization"),
    ("Access-Control-Max-Age", "600"),
)


def _cors_headers(origin: str) -> Headers:
    """Return the headers for a page of this origin. Credentials: a page of the same site may use the login's cookie."""
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
    )


def _is_preflight(environ: dict[str, Any]) -> bool:
    return (
        environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def _maybe_authority(text: str) -> Authority | None:
    """Return host name in lower case and port of ``host`` or ``host:port``; None if the text is neither."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return None
    name = parts.hostname
    if not name or parts.netloc != text or "@" in text:
        return None
    # urlsplit also accepts text around the brackets of an IPv6 address, an empty port, and leading zeros in a port.
    bracketed = f"[{name}]" if ":" in name else name
    if text.lower().partition(bracketed)[::2] not in (("", ""), ("", f":{port}")):
        return None
    return name.rstrip("."), port
