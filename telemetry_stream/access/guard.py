"""What keeps strangers out, as the settings say: tokens, names, proxies, the certificate; and all of it read again.

The composition root's second file: it reads the settings and builds parts of ``server`` and ``net``, so that ``app``
can stay a list of parts. Nothing is read before ``load``.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..net.address import is_loopback
from ..net.answer import Headers
from ..settings import Settings
from . import tokens
from .access import Access
from .forwarded import Proxies
from .login import Login
from .policy import security_headers
from .tokens import Token, TokenError

if TYPE_CHECKING:
    import ssl  # only who has a certificate pays for it

log = logging.getLogger(__name__)


class GuardError(Exception):
    """The program would not be safe, or could not be: one sentence that says why."""


class Guard:
    """Access for the routes, and the TLS context for the listener. ``load`` and ``reload`` are the owner's to call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._proxies = Proxies(_listed(settings.trust_proxy))
        name = socket.gethostname()
        self.login = Login()
        self.access = Access(
            (name, f"{name}.local", settings.host, *_listed(settings.allow_host)),
            origins=_listed(settings.allow_origin),
            login=self.login,
            proxies=self._proxies,
        )
        self.headers: Headers = security_headers(settings.frame_ancestors)
        self.ssl_context: ssl.SSLContext | None = None
        self._host, self._is_exposed = settings.host, True
        self.kept_path = ""  # where a made token is kept
        self.made: Token | None = None  # what was made by ``load`` because there was none

    def load(self, host: str) -> None:
        """Read or make the tokens and read the certificate, to listen on ``host``. GuardError: we must not start."""
        self._host = host
        # Where another name leads is known only when it is looked up.
        self._is_exposed = host != "localhost" and not is_loopback(host)
        self.login.tokens = self._maybe_tokens(may_make=True)
        self.ssl_context = self._maybe_context()

    def reload(self) -> None:
        """Read again what can change. What cannot be used is one line in the log, and the old stays."""
        for what, read in (("tokens", self._reload_tokens), ("certificate", self._reload_context)):
            try:
                read()
            except GuardError as error:
                log.error("%s not read again, the old stays: %s", what, error)

    def holds(self, token: Token | None) -> bool:
        """Whether who was let in by this (None: by none) would be let in by it now."""
        return self.login.tokens is None or token in self.login.tokens

    def stands_for_many(self, peer: str) -> bool:
        """Whether a peer may have connections without number: whatever is on this host, and trusted proxies."""
        return is_loopback(peer) or self._proxies.is_trusted(peer)

    def _reload_tokens(self) -> None:
        self.login.tokens = found = self._maybe_tokens(may_make=False)
        if found is not None:
            log.info("tokens read again: %s", ", ".join(token.name for token in found))

    def _reload_context(self) -> None:
        self.ssl_context = self._maybe_context()
        if self.ssl_context is not None:
            log.info("certificate read again: %s", self._settings.tls_cert)

    def _maybe_tokens(self, *, may_make: bool) -> tuple[Token, ...] | None:
        """Every token; None where everybody is let in."""
        settings = self._settings
        try:
            found = tokens.read(settings.token_file) if settings.token_file else ()
            if settings.token:
                found += (tokens.unnamed(settings.token),)
            if not found and self._is_exposed and not settings.no_auth:
                found = self._kept_tokens(may_make)
        except TokenError as error:
            raise GuardError(str(error)) from error
        return found or None

    def _kept_tokens(self, may_make: bool) -> tuple[Token, ...]:
        directory = self._settings.state_dir or tokens.state_directory(os.environ)
        self.kept_path = tokens.state_path(directory)
        if not may_make:  # nobody would be told of a new one
            return tokens.read(self.kept_path)
        try:
            found, made = tokens.read_or_make(directory)
        except TokenError as error:
            raise GuardError(
                f"other hosts can reach {self._host}, so a token is needed; {error}; give one with --token-file "
                f"or TELEMETRY_STREAM_TOKEN, a place with --state-dir, or say --no-auth if all may read everything"
            ) from error
        if made:
            self.made = found[0]
        return found

    def _maybe_context(self) -> ssl.SSLContext | None:
        certificate, key = self._settings.tls_cert, self._settings.tls_key
        if not certificate:
            return None
        from ..net.tls_context import CertificateError, server_context  # noqa: PLC0415  # brings ssl

        try:
            return server_context(certificate, key)
        except CertificateError as error:
            raise GuardError(str(error)) from error


def token_line(names: Sequence[str]) -> str:
    """A new line for a token file, with this name or none."""
    if len(names) > 1 or not all(map(tokens.NAME.fullmatch, names)):
        raise GuardError("token: takes one name or none, of 1 to 32 letters, digits, _ and -")
    return " ".join([*names, tokens.make()])


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))
