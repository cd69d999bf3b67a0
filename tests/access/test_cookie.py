"""The login cookie: what makes it valid, and until when."""

from __future__ import annotations

import hmac
import re
from typing import Any

import pytest

from telemetry_stream.access import cookie
from telemetry_stream.access.credential import Credential
from telemetry_stream.access.tokens import Token

KITCHEN, OFFICE = Token("kitchen", "kitchen-kitchen-1"), Token("office", "office-office-123")
BOTH = (KITCHEN, OFFICE)
NOW = 1_764_000_000.0
NAME = cookie.name_for(8750)


def any_login(_: Credential) -> bool:
    """Accept every credential whose signature is right."""
    return True


def maybe_name(
    value: str, tokens: tuple[Token, ...] = BOTH, now: float = NOW, name: str = NAME
) -> str | None:
    """Return the name of the token that a cookie with this value authenticates."""
    header = f"{name}={value}"
    credential = cookie.maybe_credential(tokens, header, NAME, lambda found: found.expires >= now)
    return None if credential is None else credential.token.name


def test_a_cookie_contains_the_id_of_the_token_and_not_its_value() -> None:
    """Beside it the cookie has the id of the login, the expiry time and the signature."""
    value = cookie.value_for(KITCHEN, NOW)
    expires = int(NOW) + 90 * 86_400
    form = rf"{KITCHEN.id}\.([0-9a-f]{{16}})\.{expires}\.[0-9a-f]{{64}}"
    parts = re.fullmatch(form, value)
    assert parts is not None
    found = cookie.maybe_credential(BOTH, f"{NAME}={value}", NAME, any_login)
    assert found == Credential(KITCHEN, parts[1], expires)


def test_each_login_has_its_own_id() -> None:
    """So logging out of one browser does not end the login of another one."""
    assert len({cookie.value_for(KITCHEN, NOW) for _ in range(10)}) == 10


def test_a_login_stays_valid_when_its_token_gets_another_name() -> None:
    """The name of an unnamed token is the number of its line, which may change."""
    assert (
        maybe_name(cookie.value_for(KITCHEN, NOW), (Token("token-7", KITCHEN.value),)) == "token-7"
    )


def test_an_unknown_token_takes_as_long_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One signature is computed, and every id is compared, whichever token the cookie names."""
    calls: list[str] = []
    signature, compare = cookie._signature, hmac.compare_digest

    def counted_signature(*arguments: Any) -> str:
        calls.append("signature")
        return signature(*arguments)

    def counted_compare(a: str, b: str) -> bool:
        calls.append("compare")
        return compare(a, b)

    monkeypatch.setattr(cookie, "_signature", counted_signature)
    monkeypatch.setattr(hmac, "compare_digest", counted_compare)
    found = []
    for token in (KITCHEN, OFFICE, Token("other", "other-other-other-1")):
        value = cookie.value_for(token, NOW)
        calls.clear()
        maybe_name(value[:-64] + "0" * 64)
        found.append(tuple(calls))
    assert len(set(found)) == 1


def test_a_cookie_is_valid_for_ninety_days() -> None:
    """The server checks that by itself, whatever the browser does. The signature covers the expiry time."""
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
    """The signature covers token, login and time, and each of its digits counts."""
    value = cookie.value_for(KITCHEN, NOW)
    token, login, expires, signature = value.split(".")
    for changed in (
        f"{OFFICE.id}.{login}.{expires}.{signature}",
        f"{token}.{login[::-1]}.{expires}.{signature}",
        f"{token}.{login}.{int(expires) + 1}.{signature}",
        f"{token}.{login}.0{expires}.{'0' * 64}",
        f"{token}.{login}.{expires}.{signature[:-1]}{'1' if signature[-1] == '0' else '0'}",
        f"{token}.{login}.{expires}.{signature[:-1]}",
        f"{token}.{login}.{expires}",
        f"{token}.{expires}.{signature}",
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
        found = cookie.maybe_credential(BOTH, header, NAME, any_login)
        assert found is not None
        assert found.token == KITCHEN
    assert cookie.maybe_credential(BOTH, f"{NAME}=x; " * 1000 + valid, NAME, any_login) is None


@pytest.mark.parametrize("order", [1, -1])
def test_a_cookie_behind_one_whose_login_has_ended_is_found(order: int) -> None:
    """A browser may send two of one name, in any order."""
    ended, valid = cookie.value_for(KITCHEN, NOW), cookie.value_for(OFFICE, NOW)
    header = "; ".join([f"{NAME}={ended}", f"{NAME}={valid}"][::order])
    found = cookie.maybe_credential(BOTH, header, NAME, lambda found: found.token == OFFICE)
    assert found is not None
    assert found.token == OFFICE


@pytest.mark.parametrize(("secure", "end"), [(False, "; SameSite=Strict"), (True, "; Secure")])
def test_a_cookie_is_for_http_requests_of_our_own_pages(secure: bool, end: str) -> None:
    """Scripts cannot read it, and over TLS it is never sent in plain text."""
    name, header = cookie.set_cookie(NAME, "value", 60, secure=secure)
    assert name == "Set-Cookie"
    assert header.startswith(f"{NAME}=value; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")
    assert header.endswith(end)


def test_a_cookie_can_be_for_frames_of_other_sites() -> None:
    """Each of these sites has its own one, so none of them can use the login at another."""
    _, header = cookie.set_cookie(NAME, "value", 60, secure=True, in_frames=True)
    assert header.endswith("; HttpOnly; SameSite=None; Secure; Partitioned")
