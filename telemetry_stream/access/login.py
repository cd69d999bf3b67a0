"""Login: scripts send a token in a header, browsers send a signed cookie, and people get a page with a form.

The login page and the dashboard send the token to ``/login`` and get the cookie. ``/?token=…`` sets the cookie too, and
redirects to the same address without the token, as Jupyter does. This requires that a window opens the address, or a
frame that may show it (see ``cause``): an image, a frame or a prefetch of another site's page must not make attempts
from the address of its reader.

A right token is always accepted: nobody can guess 128 random bits. Wrong ones are counted, and ``throttle`` makes their
address wait, which shows a script with an old token that it should back off. Cookies are not counted: a signature
cannot be guessed either, and an open page with an old cookie sends it again and again. A wrong token in the address is
not counted if the browser is logged in.

A token never appears in an answer or in the log. Request bodies are not read, so ``/login`` takes the token from the
header. Only POST logs in or out, so that a link, an image or a prefetch of another page cannot.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from ..net.address import network_of
from ..net.answer import Answer, Headers, HTTPError
from ..net.rate_limited_log import RateLimitedLog
from . import cookie, login_page
from .cause import API, may_log_in
from .credential import Credential
from .throttle import Throttle
from .tokens import Token, maybe_matching

log = logging.getLogger(__name__)

# Keys in the environ of each request that is accepted: its Credential, or None if it has none; whether it has none
# although tokens are configured; and the name of the login cookie.
CREDENTIAL = "telemetry_stream.credential"
UNAUTHENTICATED = "telemetry_stream.unauthenticated"
COOKIE_NAME = "telemetry_stream.cookie"

# Accepted without a token.
OPEN_PATHS = ("/healthz",)

UNAUTHORIZED = "401 Unauthorized"
CHALLENGE = ("WWW-Authenticate", "Bearer")
NO_STORE: Headers = (("Cache-Control", "no-store"),)

LOGINS_LOGGED = 60  # lines a minute: a client with a token can repeat its login
MAX_ENDED_LOGINS = 4096  # only a client with a token can add one


class Login:
    """Accepts requests with one of ``tokens``, or every request if ``tokens`` is None.

    ``in_frames``: pages of other sites may show ours in a frame, so a token in the address of a frame is used, and a
    login there needs a cookie that a browser sends from a frame. It does so over TLS only.

    Any thread may call it, and may replace ``tokens`` at any time.
    """

    def __init__(self, *, in_frames: bool = False) -> None:
        self._in_frames = in_frames
        self.tokens: tuple[Token, ...] | None = None
        self.throttle = Throttle()
        self._lock = threading.Lock()
        # The ids of the logins that were logged out, oldest first. Guarded by _lock.
        self._ended: OrderedDict[str, None] = OrderedDict()
        # Limited for all addresses together, because an attacker may have many.
        self._wrong_tokens = RateLimitedLog(log, logging.WARNING)
        self._logins = RateLimitedLog(log, logging.INFO, burst=LOGINS_LOGGED)

    def maybe_answer(self, environ: dict[str, Any], port: int | None) -> Answer | None:
        """Return None if the request is accepted, else the answer to send: a redirect or the login page.

        ``port`` is the port in the request's Host. Raises HTTPError 401, or 429 for a wrong token while the address
        must wait.
        """
        name = cookie.name_for(port)
        environ |= {CREDENTIAL: None, UNAUTHENTICATED: False, COOKIE_NAME: name}
        tokens, in_address = self.tokens, self._maybe_in_address(environ)
        if tokens is None:
            return None if in_address is None else _redirect(environ)
        path = environ["PATH_INFO"]
        value = _maybe_bearer(environ)
        if value is not None:
            token = self._maybe_token(tokens, value, environ["REMOTE_ADDR"])
            if token is None:
                raise HTTPError(UNAUTHORIZED, "Invalid token", (CHALLENGE,))
            credential: Credential | None = Credential(token)
        else:
            header = environ.get("HTTP_COOKIE", "")
            credential = cookie.maybe_credential(tokens, header, name, self.is_valid)
            if in_address is not None:
                return self._log_in(tokens, in_address, credential, environ)
        if credential is None and path not in OPEN_PATHS:
            return _ask_for_token(environ)
        environ[CREDENTIAL] = credential
        environ[UNAUTHENTICATED] = credential is None
        return None

    def is_valid(self, credential: Credential | None) -> bool:
        """Return whether a client that was accepted with this credential, or with none, would be accepted now."""
        tokens = self.tokens
        if tokens is None:
            return True
        if credential is None or credential.token not in tokens:
            return False
        with self._lock:
            return credential.login not in self._ended and credential.remaining_seconds() > 0

    def log_in(self, environ: dict[str, Any]) -> Answer:
        """Return the answer that gives the browser a cookie. Raises HTTPError 401 if the request has no token itself.

        A cookie is not enough, because a login that renews itself would never expire.
        """
        credential: Credential | None = environ[CREDENTIAL]
        if credential is None:  # no token is required
            return Answer("204 No Content", NO_STORE)
        if credential.login:
            raise _token_required()
        return Answer("204 No Content", NO_STORE + self._new_login(credential.token, environ))

    def log_out(self, environ: dict[str, Any]) -> Answer:
        """End the login of the request, and return the answer that deletes the browser's cookie.

        A copy of the cookie is refused until the program ends, or until 4096 other logins have ended.
        """
        credential: Credential | None = environ[CREDENTIAL]
        if credential is not None and credential.login:
            with self._lock:
                self._ended[credential.login] = None
                if len(self._ended) > MAX_ENDED_LOGINS:
                    self._ended.popitem(last=False)
        # Both forms: the browser may have logged in when the settings were different.
        forms = (False, True) if _is_secure(environ) else (False,)
        deleted = (_set_cookie(environ, "", 0, in_frames=form) for form in forms)
        return Answer("204 No Content", (*deleted, *NO_STORE))

    def _maybe_in_address(self, environ: dict[str, Any]) -> str | None:
        """Return the value of the last parameter ``token`` in the address of the page, if it may be used."""
        if environ["PATH_INFO"] != "/" or not may_log_in(environ, in_frames=self._in_frames):
            return None
        pairs = (pair.partition("=") for pair in reversed(environ["QUERY_STRING"].split("&")))
        values = (unquote_plus(value) for name, _, value in pairs if unquote_plus(name) == "token")
        return next(values, None)

    def _log_in(
        self,
        tokens: tuple[Token, ...],
        value: str,
        credential: Credential | None,
        environ: dict[str, Any],
    ) -> Answer:
        """Return the answer to a token in the address, from a browser whose cookie has this credential.

        A right token starts a new login. A wrong one is no attempt if the browser is logged in: bookmarks can be old.
        """
        if credential is not None and maybe_matching(tokens, value) is None:
            return _redirect(environ)
        token = self._maybe_token(tokens, value, environ["REMOTE_ADDR"])
        if token is None:
            return _unauthorized(login_page.invalid_token())
        return _redirect(environ, self._new_login(token, environ))

    def _new_login(self, token: Token, environ: dict[str, Any]) -> Headers:
        """Return the header with the cookie of a new login."""
        self._logins.log("%s logged in with token %s", environ["REMOTE_ADDR"], token.name)
        value = cookie.value_for(token, time.time())
        in_frames = self._in_frames and _is_secure(environ)
        return (_set_cookie(environ, value, cookie.LIFETIME_SECONDS, in_frames=in_frames),)

    def _maybe_token(self, tokens: tuple[Token, ...], value: str, address: str) -> Token | None:
        """Return the token with this value; None, after counting it, if it is wrong. Raises HTTPError 429."""
        token = maybe_matching(tokens, value)
        if token is not None:
            return token
        wait = math.ceil(self.throttle.wait_seconds(address))
        if wait:
            raise HTTPError(
                "429 Too Many Requests",
                f"Too many wrong tokens; try again in {wait} s",
                (("Retry-After", str(wait)),),
            )
        attempts = self.throttle.record_failure(address)
        self._wrong_tokens.log("Wrong token from %s, attempt %d", network_of(address), attempts)
        return None


def _is_secure(environ: dict[str, Any]) -> bool:
    """Return whether the browser uses TLS."""
    return bool(environ["wsgi.url_scheme"] == "https")


def _set_cookie(
    environ: dict[str, Any], value: str, seconds: int, *, in_frames: bool
) -> tuple[str, str]:
    name, secure = environ[COOKIE_NAME], _is_secure(environ)
    return cookie.set_cookie(name, value, seconds, secure=secure, in_frames=in_frames)


def _maybe_bearer(environ: dict[str, Any]) -> str | None:
    """Return the value in an Authorization header of the scheme Bearer (RFC 6750 section 2.1)."""
    scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def _without_token(query: str) -> Iterator[str]:
    """Yield the pairs of a query, without the parameter ``token``."""
    for pair in query.split("&"):
        if pair and unquote_plus(pair.partition("=")[0]) != "token":
            yield pair


def _ask_for_token(environ: dict[str, Any]) -> Answer:
    """Return the login page for a browser. Raises HTTPError 401, an answer in JSON, for a program."""
    is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    if (
        not is_read
        or "text/html" not in environ.get("HTTP_ACCEPT", "")
        or API.fullmatch(environ["PATH_INFO"])
    ):
        raise _token_required()
    at_root = environ["PATH_INFO"] == "/"
    again = environ.get("HTTP_SEC_FETCH_SITE") == "cross-site"
    return _unauthorized(login_page.page(at_root=at_root, again=again))


def _token_required() -> HTTPError:
    message = "An access token is required: send 'Authorization: Bearer …'"
    return HTTPError(UNAUTHORIZED, message, (CHALLENGE,))


def _unauthorized(page: bytes) -> Answer:
    headers = (("Content-Type", "text/html; charset=utf-8"), *NO_STORE, CHALLENGE)
    return Answer(UNAUTHORIZED, headers, page)


def _redirect(environ: dict[str, Any], headers: Headers = ()) -> Answer:
    """Return the redirect to the same address without the token."""
    query = "&".join(_without_token(environ["QUERY_STRING"]))
    location = login_page.ROOT + (f"?{query}" if query else "")
    return Answer("303 See Other", (("Location", location), *NO_STORE, *headers))
