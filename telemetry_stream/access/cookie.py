"""The login cookie: the ids of a token and of a login, and an expiry time, signed with that token.

The server stores nothing for a cookie, so every restart accepts it. The key of the signature is the token itself, so
the cookie becomes invalid together with its token. Times are seconds since 1970.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable

from .credential import Credential
from .tokens import Token

LIFETIME_SECONDS = 90 * 86_400
MAX_COOKIES = 8  # at most this many cookies of our name are checked in one request

VALUE = re.compile(r"([0-9a-f]{16})\.([0-9a-f]{16})\.([0-9]{1,12})\.([0-9a-f]{64})")

# Signatures of unknown tokens are compared with one of this token, which takes as long as with a known one.
UNKNOWN = Token("unknown", os.urandom(32).hex())


def name_for(port: int | None) -> str:
    """Return the cookie's name at this port of the server, None being the scheme's default port.

    Browsers send a cookie to all ports of a host (RFC 6265 section 8.5). The port in the name separates two programs.
    """
    return f"telemetry_stream_{port or 'login'}"


def value_for(token: Token, now: float) -> str:
    """Return the value of a cookie for a new login, which is valid for 90 days from ``now``."""
    login, expires = os.urandom(8).hex(), int(now) + LIFETIME_SECONDS
    return f"{token.id}.{login}.{expires}.{_signature(token, login, expires)}"


def maybe_credential(
    tokens: tuple[Token, ...], header: str, name: str, is_valid: Callable[[Credential], bool]
) -> Credential | None:
    """Return the first valid credential in the cookies of this name in a Cookie header.

    ``is_valid`` decides about a credential whose signature is right: its login may have ended or expired. A browser can
    send several cookies of one name, for example one for frames of another site, so the next one may be valid.

    The time does not depend on which of the tokens a cookie names, or whether it names one of them.
    """
    pairs = (part.strip().partition("=") for part in header.split(";"))
    values = [value for key, _, value in pairs if key == name]
    for value in values[:MAX_COOKIES]:
        parts = VALUE.fullmatch(value)
        if parts is None:
            continue
        token, login, expires = UNKNOWN, parts[2], int(parts[3])
        for candidate in tokens:
            if hmac.compare_digest(candidate.id, parts[1]):
                token = candidate
        credential = Credential(token, login, expires)
        is_signed = hmac.compare_digest(_signature(token, login, expires), parts[4])
        if is_signed and is_valid(credential):
            return credential
    return None


def set_cookie(
    name: str, value: str, seconds: int, *, secure: bool, in_frames: bool = False
) -> tuple[str, str]:
    """Return the Set-Cookie header for a cookie of this lifetime; 0 seconds delete the cookie.

    ``in_frames``: the cookie is also for our pages in frames of other sites, with one login for each site
    (https://www.ietf.org/archive/id/draft-cutler-httpbis-partitioned-cookies-01.html). It must be secure then.
    """
    site = "None; Secure; Partitioned" if in_frames else f"Strict{'; Secure' if secure else ''}"
    flags = f"Path=/; Max-Age={seconds}; HttpOnly; SameSite={site}"
    return ("Set-Cookie", f"{name}={value}; {flags}")


def _signature(token: Token, login: str, expires: int) -> str:
    message = f"telemetry_stream cookie {login} {expires}".encode()
    return hmac.new(token.value.encode(), message, hashlib.sha256).hexdigest()
