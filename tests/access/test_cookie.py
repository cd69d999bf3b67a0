"""The login cookie: what makes it valid, and until when."""

from __future__ import annotations

import re

import pytest

from telemetry_stream.access import cookie
from telemetry_stream.access.tokens import Token

KITCHEN, OFFICE = Token("kitchen", "kitchen-kitchen-1"), Token("office", "office-office-123")
BOTH = (KITCHEN, OFFICE)
NOW = 1_764_000_000.0
NAME = cookie.name_for(8750)


def maybe_name(
    value: str, tokens: tuple[Token, ...] = BOTH, now: float = NOW, name: str = NAME
) -> str | None:
    """Return the name of the token that a cookie with this value authenticates."""
    token = cookie.maybe_token(tokens, f"{name}={value}", NAME, now)
    return None if token is None else token.name


def test_a_cookie_contains_the_name_of_the_token_and_not_its_value() -> None:
    """Beside the name it has the expiry time and the signature."""
    value = cookie.value_for(KITCHEN, NOW)
    assert re.fullmatch(rf"kitchen\.{int(NOW) + 90 * 86_400}\.[0-9a-f]{{64}}", value)
    assert maybe_name(value) == "kitchen"


def test_a_cookie_is_valid_for_ninety_days() -> None:
    """The server checks that by itself, whatever the browser does."""
    value = cookie.value_for(KITCHEN, NOW)
    assert maybe_name(value, now=NOW + cookie.LIFETIME_SECONDS) == "kitchen"
    assert maybe_name(value, now=NOW + cookie.LIFETIME_SECONDS + 1) is None


def test_a_cookie_ends_with_its_token() -> None:
    """The token is revoked, or replaced by another one of the same name. Other cookies stay valid."""
    kitchen, office = cookie.value_for(KITCHEN, NOW), cookie.value_for(OFFICE, NOW)
    replaced = (Token("kitchen", "another-another-1"), OFFICE)
    assert maybe_name(kitchen, replaced) is None
    assert maybe_name(office, replaced) == "office"
    assert maybe_name(kitchen, (OFFICE,)) is None


def test_a_changed_cookie_is_not_valid() -> None:
    """The signature covers the name and the time, and each of its digits counts."""
    value = cookie.value_for(KITCHEN, NOW)
    name, expires, signature = value.split(".")
    for changed in (
        f"office.{expires}.{signature}",
        f"{name}.{int(expires) + 1}.{signature}",
        f"{name}.0{expires}.{'0' * 64}",
        f"{name}.{expires}.{signature[:-1]}{'1' if signature[-1] == '0' else '0'}",
        f"{name}.{expires}.{signature[:-1]}",
        f"{name}.{expires}",
        "",
    ):
        assert maybe_name(changed) is None


def test_the_name_contains_the_port() -> None:
    """Browsers send a cookie to all ports of a host, so another program's cookie needs another name."""
    assert NAME == "telemetry_stream_8750"
    assert cookie.name_for(None) == "telemetry_stream_login"
    assert maybe_name(cookie.value_for(KITCHEN, NOW), name=cookie.name_for(8751)) is None


def test_the_cookie_is_found_among_others() -> None:
    """Also behind an old one of the same name. But nobody can make the server check a thousand."""
    valid = f"{NAME}={cookie.value_for(KITCHEN, NOW)}"
    for header in (valid, f"a=b; {valid}; c=d", f"{NAME}=old; {valid}"):
        assert cookie.maybe_token(BOTH, header, NAME, NOW) == KITCHEN
    assert cookie.maybe_token(BOTH, f"{NAME}=x; " * 1000 + valid, NAME, NOW) is None


@pytest.mark.parametrize(("secure", "end"), [(False, "; SameSite=Strict"), (True, "; Secure")])
def test_a_cookie_is_for_http_requests_of_our_own_pages(secure: bool, end: str) -> None:
    """Scripts cannot read it, and over TLS it is never sent in plain text."""
    name, header = cookie.set_cookie(NAME, "value", 60, secure=secure)
    assert name == "Set-Cookie"
    assert header.startswith(f"{NAME}=value; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")
    assert header.endswith(end)
