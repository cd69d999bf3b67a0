"""Proxies: whose word counts, and for what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.access.forwarded import Proxies, peer_of


def corrected(
    trusted: tuple[str, ...], peer: str, forwarded_for: str | None, proto: str | None = None
) -> tuple[str, str]:
    """Who asks over what, when ``peer`` has sent these headers over plain HTTP."""
    environ: dict[str, Any] = {
        "REMOTE_ADDR": peer,
        "REMOTE_PORT": "5",
        "wsgi.url_scheme": "http",
        "HTTP_X_FORWARDED_FOR": forwarded_for,
        "HTTP_X_FORWARDED_PROTO": proto,
    }
    environ = {k: v for k, v in environ.items() if v is not None}
    Proxies(trusted).correct(environ)
    return peer_of(environ), environ["wsgi.url_scheme"]


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        (("loopback",), "127.0.0.1"),
        (("loopback",), "127.8.8.8"),
        (("loopback",), "::1"),
        (("172.18.0.0/16",), "172.18.0.2"),
        (("10.1.1.1", "2001:db8::/32"), "2001:db8::5"),
    ],
)
def test_word_of_a_trusted_proxy(trusted: tuple[str, ...], peer: str) -> None:
    """It has seen its client."""
    assert corrected(trusted, peer, "192.0.2.9", "https") == ("192.0.2.9", "https")


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        ((), "127.0.0.1"),
        (("loopback",), "192.0.2.5"),
        (("172.18.0.0/16",), "172.19.0.2"),
        (("172.18.0.0/16",), "127.0.0.1"),
        (("10.0.0.1",), "::1"),
    ],
)
def test_word_of_anybody_else(trusted: tuple[str, ...], peer: str) -> None:
    """Everybody can write a header."""
    shown = f"[{peer}]:5" if ":" in peer else f"{peer}:5"
    assert corrected(trusted, peer, "192.0.2.9", "https") == (shown, "http")


@pytest.mark.parametrize(
    ("forwarded_for", "who"),
    [
        ("203.0.113.7, 192.0.2.9", "192.0.2.9"),
        ("203.0.113.7,192.0.2.9,2001:db8::7", "2001:db8::7"),
        ("192.0.2.9, unknown", "127.0.0.1:5"),
        ("192.0.2.9,", "127.0.0.1:5"),
        ("192.0.2.9:443", "127.0.0.1:5"),
        ("", "127.0.0.1:5"),
        (None, "127.0.0.1:5"),
    ],
)
def test_only_the_last_hop_counts(forwarded_for: str | None, who: str) -> None:
    """What stands before it, the client may have written; what is no address changes nothing."""
    assert corrected(("loopback",), "127.0.0.1", forwarded_for)[0] == who


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("http", "http"), ("https, http", "http"),
     ("ftp", "http"), ("", "http"), (None, "http")],
)  # fmt: skip
def test_scheme(proto: str | None, scheme: str) -> None:
    """One of two, or nothing is said."""
    assert corrected(("loopback",), "127.0.0.1", None, proto)[1] == scheme


@pytest.mark.parametrize("name", ["nonsense", "10.0.0.300", "10.0.0.0/33", ""])
def test_what_is_no_network(name: str) -> None:
    """It is refused when it is said, not when it is needed."""
    with pytest.raises(ValueError, match=r"address|network"):
        Proxies((name,))


@given(st.text(), st.text())
def test_any_header_from_a_trusted_proxy(forwarded_for: str, proto: str) -> None:
    """Nothing of it gets further than as an address or one of two schemes."""
    who, scheme = corrected(("loopback",), "127.0.0.1", forwarded_for, proto)
    assert scheme in ("http", "https")
    assert who == "127.0.0.1:5" or who in forwarded_for
