"""One setting: the forms of texts, its description in words, and errors without a secret."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest

from telemetry_stream.settings import validation as form
from telemetry_stream.settings.validation import (
    SettingsError,
    checked,
    limits,
    parsed,
    placeholder,
    setting,
    shown_default,
)


@dataclass
class Table:
    """One row of each kind."""

    count: int = setting(3, "a count", low=1, high=5)
    seconds: float = setting(1.5, "a time", unit="seconds", low=0.5, high=60)
    log_level: str = setting("a", "a choice", one_of=("a", "b"))
    flag: bool = setting(False, "a flag")
    secret: str = setting("", "a secret", form=form.TOKEN, secret=True)


ROWS = {row.name: row for row in fields(Table)}


@pytest.mark.parametrize(
    ("kind", "valid", "invalid"),
    [
        (form.HOST, ["::1", "board.local", "10.0.0.1"], ["", "[::1]", "a b", "a,b", "http://a"]),
        (form.HOSTS, ["", "a", "a.example,b"], [",", "a,", "a b", "http://a", "a,,b"]),
        (
            form.ORIGINS,
            ["", "https://home.example", "http://a:3000,https://[::1]:8"],
            ["home.example", "https://a/", "https://a, https://b", "ftp://a", "*", "https://a\r\nX: y"],
        ),
        (
            form.ANCESTORS,
            ["'none'", "'self'", "'self' https://home.example", "https://*.example http://a:1"],
            ["", "none;", "'none' 'self'", "'self', https://a", "'self'; script-src *", "a\nb", "'unsafe'"],
        ),
        (
            form.PROXIES,
            ["", "loopback", "loopback,10.0.0.0/8,2001:db8::1"],
            ["true", "proxy.local", "10.0.0.1 ", "10.0.0.1/", ","],
        ),
        (form.PATH, ["", "/etc/a b", "größe"], ["a\0b", "a\nb"]),
        (form.NEW_DIRECTORY, ["", "/nowhere"], ["a\0b", "a\nb"]),
        (form.TOKEN, ["", "0123456789abcdef"], ["0123456789abcde", "0123456789abcdef ", "x" * 257]),
        (form.DIRECTORY, ["/proc"], ["", "/nowhere", "/proc/version", "/pr\0oc"]),
    ],
)  # fmt: skip
def test_forms(kind: form.Form, valid: list[str], invalid: list[str]) -> None:
    """A valid text is safe where it is used: in a header, in a policy, as an address."""

    @dataclass
    class OfKind:
        value: str = setting("", "a text", form=kind)

    (row,) = fields(OfKind)
    assert [checked(row, text, "here") for text in valid] == valid
    for text in invalid:
        with pytest.raises(SettingsError, match="from here: must be ") as caught:
            checked(row, text, "here")
        assert str(caught.value).endswith(kind.words)


@pytest.mark.parametrize(
    ("name", "allowed", "default", "shown"),
    [
        ("count", "a whole number from 1 to 5", "3", "N"),
        ("seconds", "a number of seconds from 0.5 to 60", "1.5", "SECONDS"),
        ("log_level", "one of a, b", "a", "LEVEL"),
        ("flag", "true or false", "false", None),
        ("secret", "16 to 256 letters, digits and . _ ~ -", "none", "TOKEN"),
    ],
)
def test_a_row_in_words(name: str, allowed: str, default: str, shown: str | None) -> None:
    """For errors, --help and the README. A flag has no value and so no placeholder."""
    row = ROWS[name]
    assert (limits(row), shown_default(row)) == (allowed, default)
    assert shown in (None, placeholder(row))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("count", "4", 4), ("seconds", "2", 2.0), ("flag", "True", True), ("log_level", "b", "b")],
)
def test_a_text_is_parsed_as_the_type_of_its_row(name: str, text: str, value: Any) -> None:
    """As a flag or a variable gives it."""
    found = checked(ROWS[name], parsed(ROWS[name], text, "here"), "here")
    assert (found, type(found)) == (value, type(value))


def test_an_error_does_not_contain_a_secret() -> None:
    """The message and the text of the setting contain no part of the secret."""
    with pytest.raises(SettingsError) as caught:
        checked(ROWS["secret"], "my secret", "here")
    assert str(caught.value).startswith("secret = '(secret)' from here: must be 16 to 256")
    assert "my secret" not in repr(caught.value)
    assert "hidden-hidden-hidden" not in repr(Table(secret="hidden-hidden-hidden"))
