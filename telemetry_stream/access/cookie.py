"""The login cookie: the name of a token and an expiry time, signed with that token.

The server stores nothing for a cookie, so every restart accepts it. The key of the signature is the token itself, so
the cookie becomes invalid together with its token. All functions are pure; times are seconds since 1970.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from .tokens import Token

LIFETIME_SECONDS = 90 * 86_400
MAX_COOKIES = 8  # at most this many cookies of our name are checked in one request

VALUE = re.compile(r"([A-Za-z0-9_-]{1,32})\.([0-9]{1,12})\.([0-9a-f]{64})")


def name_for(port: int | None) -> str:
    """Return the cookie's name at this port of the server, None being the scheme's default port.

    Browsers send a cookie to all ports of a host (RFC 6265 section 8.5). The port in the name separates two programs.
    """
    return f"telemetry_stream_{port or 'login'}"


def value_for(token: Token, now: float) -> str:
    """Return the value of a cookie that is valid for 90 days from ``now``."""
    expires = int(now) + LIFETIME_SECONDS
    return f"{token.name}.{expires}.{_signature(token, expires)}"


def maybe_token(tokens: tuple[Token, ...], header: str, name: str, now: float) -> Token | None:
    """Return the token whose valid cookie is in a Cookie header, under this name of the cookie."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    values = [value for key, _, value in pairs if key == name]
    for value in values[:MAX_COOKIES]:
        parts = VALUE.fullmatch(value)
        if parts is None:
            continue
        token = next((token for token in tokens if token.name == parts[1]), None)
        expires = int(parts[2])
        if token is None or expires < now:
            continue
        if hmac.compare_digest(_signature(token, expires), parts[3]):
            return token
    return None


def set_cookie(name: str, value: str, seconds: int, *, secure: bool) -> tuple[str, str]:
    """Return the Set-Cookie header for a cookie of this lifetime; 0 seconds delete the cookie."""
    flags = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
    return ("Set-Cookie", f"{name}={value}; {flags}")


def _signature(token: Token, expires: int) -> str:
    message = f"telemetry_stream cookie {token.name} {expires}".encode()
    return hmac.new(token.value.encode(), message, hashlib.sha256).hexdigest()
