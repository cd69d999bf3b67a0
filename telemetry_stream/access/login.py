"""Who is let in: a token in a header for scripts, a signed cookie for browsers, and the page that asks for one.

``/?token=…`` sets the cookie and leads to the same address without the token, as Jupyter does it. The cookie holds a
token's name and a time, signed with a key made from that token: nothing is kept for it here, and it ends with its
token. Tries with a token are counted and slowed by ``throttle``; a cookie is not, since nobody guesses a signature, and
pages with an old one come back again and again.

Nothing here says or logs a token. No request body is read, so the login form is a GET, and nothing but POST logs out:
no link, image or prefetch of another page can.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from ..net.address import network_of
from ..net.answer import Answer, HTTPError
from ..net.rate_limited_log import RateLimitedLog
from . import login_page
from .throttle import Throttle
from .tokens import Token, maybe_matching

log = logging.getLogger(__name__)

USER = "telemetry_stream.token"  # environ: the Token that let the request in, or None where none is needed
STRANGER = "telemetry_stream.stranger"  # environ: whether it is let in without having shown one
COOKIE_NAME = "telemetry_stream.cookie"  # environ: what the cookie of this server is called

COOKIE_SECONDS = 90 * 86_400
COOKIE = re.compile(r"([A-Za-z0-9_-]{1,32})\.([0-9]{1,12})\.([0-9a-f]{64})")
COOKIES_LOOKED_AT = 8

# What a stranger may ask: whether the program is well, and no more.
OPEN_PATHS = ("/healthz",)
# Where programs ask, who would rather read JSON, whatever they say they accept.
API = re.compile(r"/(api/.*|ws|metrics|logout)", re.DOTALL)

UNAUTHORIZED = "401 Unauthorized"
CHALLENGE = ("WWW-Authenticate", "Bearer")


class Login:
    """Lets in whoever shows one of ``tokens``; everybody while that is None.

    For any thread: ``tokens`` is replaced, never changed.
    """

    def __init__(
        self, tokens: tuple[Token, ...] | None = None, throttle: Throttle | None = None
    ) -> None:
        self.tokens = tokens
        self.throttle = throttle or Throttle()
        self._guesses = RateLimitedLog(
            log, logging.WARNING
        )  # whoever has many addresses has many tries

    def check(self, environ: dict[str, Any], port: int | None) -> Answer | None:
        """None lets the request in; else what to answer instead. Raises HTTPError for programs.

        ``port`` is the one that the client sees: cookies do not tell ports apart, so their name must.
        """
        cookie = f"telemetry_stream_{port or 'login'}"
        environ |= {USER: None, STRANGER: False, COOKIE_NAME: cookie}
        tokens = self.tokens
        if tokens is None:
            return None
        path = environ["PATH_INFO"]
        shown = _maybe_bearer(environ)
        if shown is not None:
            user = self._maybe_user(tokens, shown, environ["REMOTE_ADDR"])
            if user is None:
                raise HTTPError(UNAUTHORIZED, "the token is not known here", (CHALLENGE,))
        elif path == "/" and (shown := _maybe_in_query(environ["QUERY_STRING"])) is not None:
            return self._log_in(tokens, shown, environ)
        else:
            user = _maybe_cookie_s_user(tokens, environ.get("HTTP_COOKIE", ""), cookie)
        environ[USER] = user
        if user is None and path not in OPEN_PATHS:
            return _ask(environ)
        environ[STRANGER] = user is None
        return None

    def _log_in(self, tokens: tuple[Token, ...], value: str, environ: dict[str, Any]) -> Answer:
        user = self._maybe_user(tokens, value, environ["REMOTE_ADDR"])
        if user is None:
            return _unauthorized(login_page.REFUSES)
        log.info("%s has logged in with %s", environ["REMOTE_ADDR"], user.name)
        query = "&".join(_without_token(environ["QUERY_STRING"]))
        until = int(time.time()) + COOKIE_SECONDS
        signed = f"{user.name}.{until}.{_signature(user, until)}"
        return Answer(
            "303 See Other",
            (
                ("Location", login_page.ROOT + (f"?{query}" if query else "")),
                ("Cache-Control", "no-store"),
                _set_cookie(environ, signed, COOKIE_SECONDS),
            ),
        )

    def _maybe_user(self, tokens: tuple[Token, ...], value: str, address: str) -> Token | None:
        """The token with this value; None has been counted. Raises HTTPError 429 for who must wait."""
        wait = math.ceil(self.throttle.wait_seconds(address))
        if wait:
            raise HTTPError(
                "429 Too Many Requests",
                f"too many wrong tokens from your address: try again in {wait} s",
                (("Retry-After", str(wait)),),
            )
        user = maybe_matching(tokens, value)
        if user is None:
            tries = self.throttle.fail(address)
            self._guesses.log("wrong token from %s, try %d", network_of(address), tries)
        return user


def log_out(environ: dict[str, Any]) -> Answer:
    """Have the browser forget its cookie. Only the end of its token ends a copy of it."""
    headers = (_set_cookie(environ, "", 0), ("Cache-Control", "no-store"))
    return Answer("204 No Content", headers)


def _maybe_bearer(environ: dict[str, Any]) -> str | None:
    scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def _maybe_in_query(query: str) -> str | None:
    """What ``token`` is in a query; the last, should there be several."""
    return next(
        (
            unquote_plus(value)
            for name, _, value in (pair.partition("=") for pair in reversed(query.split("&")))
            if unquote_plus(name) == "token"
        ),
        None,
    )


def _without_token(query: str) -> Iterator[str]:
    for pair in query.split("&"):
        if pair and unquote_plus(pair.partition("=")[0]) != "token":
            yield pair


def _maybe_cookie_s_user(tokens: tuple[Token, ...], header: str, name: str) -> Token | None:
    """Whose cookie this is, if its signature is right and its time has not come."""
    mine = [
        value
        for key, _, value in (part.strip().partition("=") for part in header.split(";"))
        if key == name
    ]
    for value in mine[:COOKIES_LOOKED_AT]:
        parts = COOKIE.fullmatch(value)
        if parts is None:
            continue
        user = next((token for token in tokens if token.name == parts[1]), None)
        if user is None or int(parts[2]) < time.time():
            continue
        if hmac.compare_digest(_signature(user, int(parts[2])), parts[3]):
            return user
    return None


def _signature(user: Token, until: int) -> str:
    """Ends with the token, since the key is the token; long enough that nobody works back to it."""
    message = f"telemetry_stream cookie {user.name} {until}".encode()
    return hmac.new(user.value.encode(), message, hashlib.sha256).hexdigest()


def _set_cookie(environ: dict[str, Any], value: str, seconds: int) -> tuple[str, str]:
    secure = "; Secure" if environ["wsgi.url_scheme"] == "https" else ""
    flags = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    return ("Set-Cookie", f"{environ[COOKIE_NAME]}={value}; {flags}")


def _ask(environ: dict[str, Any]) -> Answer:
    """Ask for a token: a person by a page, a program by JSON."""
    is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    if (
        not is_read
        or "text/html" not in environ.get("HTTP_ACCEPT", "")
        or API.fullmatch(environ["PATH_INFO"])
    ):
        raise HTTPError(
            UNAUTHORIZED, "this needs a token: send 'Authorization: Bearer …'", (CHALLENGE,)
        )
    # A browser that follows a link from another site keeps a Strict cookie to itself. Asked by our own page to come
    # again it shows it; that request is not a cross-site one, so this happens once.
    asks = login_page.ASKS if environ["PATH_INFO"] == "/" else login_page.ASKS_ELSEWHERE
    return _unauthorized(asks, again=environ.get("HTTP_SEC_FETCH_SITE") == "cross-site")


def _unauthorized(page: bytes, *, again: bool = False) -> Answer:
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        CHALLENGE,
    ]
    if again:
        headers.append(("Refresh", "0"))
    return Answer(UNAUTHORIZED, tuple(headers), page)
