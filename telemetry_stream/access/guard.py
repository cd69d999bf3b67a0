"""The guard: access control built from plain values, with the tokens that it loads and reloads.

Nothing is read before ``load``.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Collection

from ..net.address import is_loopback
from . import tokens
from .access import Access
from .forwarded import Proxies
from .login import Login
from .tokens import Token, TokenError

log = logging.getLogger(__name__)

SETTING_NAME = "token"  # of the token in the settings: it is that of the setting


class Guard:
    """Owns ``access``, the check in front of the routes. The owner calls ``load`` once, and ``reload`` at any time.

    The tokens are those of ``token_file`` and ``token``. If there are none, and other hosts can reach the server, they
    are read from ``state_dir``, where the first start saves a new one. With ``no_auth``, everyone is accepted instead.
    """

    def __init__(
        self,
        *,
        token_file: str,
        token: str,
        state_dir: str,
        no_auth: bool,
        allowed_hosts: Collection[str],
        allowed_origins: Collection[str],
        trusted_proxies: Collection[str],
        frame_ancestors: str,
    ) -> None:
        """Take the settings of the same names. ``allowed_hosts`` are names beside that of this host."""
        self._token_file = token_file
        self._token = token
        self._state_dir = state_dir
        self._no_auth = no_auth
        self._proxies = Proxies(trusted_proxies)
        self._login = Login(in_frames=frame_ancestors not in ("'none'", "'self'"))
        name = socket.gethostname()
        self.access = Access(
            (name, f"{name}.local", *allowed_hosts),
            origins=allowed_origins,
            login=self._login,
            proxies=self._proxies,
        )
        self._host = ""
        self.created_token: Token | None = None  # the token that ``load`` has created, if it did
        self.token_path = ""  # the file in the state directory, if its tokens are used

    def load(self, host: str) -> None:
        """Load the tokens for a server that listens on ``host``. Raises TokenError if it must not start."""
        self._host = host
        found = self._maybe_tokens(create=True)
        if found == ():
            raise TokenError(f"{self._path()}: contains no token")
        self._login.tokens = found

    def reload(self) -> None:
        """Load the tokens again. On failure log it and keep the previous ones. Before ``load`` do nothing.

        If the file has been emptied, no token is valid any more.
        """
        if not self._host:
            return
        try:
            self._login.tokens = found = self._maybe_tokens(create=False)
        except TokenError as error:
            log.error("Reload failed, keeping the previous tokens: %s", error)
            return
        if found == ():
            log.warning("%s contains no token: every request is refused", self._path())
        elif found is not None:
            log.info("Tokens reloaded: %s", ", ".join(token.name for token in found))

    def is_exempt(self, peer: str) -> bool:
        """Return whether this address may have any number of connections, because it may stand for many clients.

        Loopback may be a proxy or a tunnel; a trusted proxy certainly stands for others.
        """
        return is_loopback(peer) or self._proxies.is_trusted(peer)

    def _maybe_tokens(self, *, create: bool) -> tuple[Token, ...] | None:
        """Return every valid token, or None if everyone is accepted. Raises TokenError."""
        if self._token_file or self._token:
            found = tokens.read(self._token_file) if self._token_file else ()
            return found + ((Token(SETTING_NAME, self._token),) if self._token else ())
        if self._no_auth or not self._is_exposed():
            return None
        return self._saved_tokens(create=create)

    def _path(self) -> str:
        """Return the file that the tokens are read from."""
        return self._token_file or self.token_path

    def _is_exposed(self) -> bool:
        """Return whether other hosts can reach the server. A name may stand for any address, so it is exposed."""
        return self._host != "localhost" and not is_loopback(self._host)

    def _saved_tokens(self, *, create: bool) -> tuple[Token, ...]:
        self.token_path = tokens.state_path(self._state_dir)
        if not create:  # a running program has no way to show a new token to its user
            return tokens.read(self.token_path)
        try:
            found, is_new = tokens.read_or_create(self._state_dir)
        except TokenError as error:
            raise TokenError(
                f"an access token is required because other hosts can reach {self._host}, but {error}; "
                f"set one with --token-file or TELEMETRY_STREAM_TOKEN, save it elsewhere with --state-dir, "
                f"or disable authentication with --no-auth"
            ) from error
        if is_new:
            self.created_token = found[0]
        return found
