"""Proxies: which X-Forwarded headers are used, and for what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.access.forwarded import Proxies, peer_of
from telemetry_stream.net.address import canonical


def corrected(
    trusted: tuple[str, ...], peer: str, forwarded_for: str | None, proto: str | None = None
) -> tuple[str, str]:
    """Return client and scheme of a request with these headers, which ``peer`` sends over plain HTTP."""
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
        (("::ffff:10.1.1.1",), "10.1.1.1"),
        (("::ffff:10.0.0.0/104",), "10.9.9.9"),
        (("10.0.0.0/8",), "::ffff:10.9.9.9"),
    ],
)
def test_headers_of_a_trusted_proxy_are_used(trusted: tuple[str, ...], peer: str) -> None:
    """Address and scheme are those of the proxy's client, without a port."""
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
def test_headers_of_any_other_peer_are_ignored(trusted: tuple[str, ...], peer: str) -> None:
    """Every client can send these headers."""
    shown = f"[{peer}]:5" if ":" in peer else f"{peer}:5"
    assert corrected(trusted, peer, "192.0.2.9", "https") == (shown, "http")


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("203.0.113.7, 192.0.2.9", "192.0.2.9"),
        ("203.0.113.7,192.0.2.9,2001:db8::7", "2001:db8::7"),
        ("192.0.2.9, unknown", "127.0.0.1:5"),
        ("192.0.2.9,", "127.0.0.1:5"),
        ("192.0.2.9:443", "192.0.2.9"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:DB8:0::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("[::ffff:c000:209]:443", "192.0.2.9"),
        ("fe80::1%eth0", "127.0.0.1:5"),
        ("[fe80::1%1]:443", "127.0.0.1:5"),
        ("[192.0.2.9:443", "127.0.0.1:5"),
        ("192.0.2.9:", "127.0.0.1:5"),
        ("192.0.2.9:123456", "127.0.0.1:5"),
        ("2001:db8::7]:443", "127.0.0.1:5"),
        ("192.0.2.\uff19", "127.0.0.1:5"),  # a digit, but not of ASCII
        ("", "127.0.0.1:5"),
        (None, "127.0.0.1:5"),
    ],
)
def test_only_the_last_address_is_used(forwarded_for: str | None, client: str) -> None:
    """The client may have sent those before it. Its port is not used. Any text but an address is ignored."""
    assert corrected(("loopback",), "127.0.0.1", forwarded_for)[0] == client


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("http", "http"), ("https, http", "http"),
     ("ftp", "http"), ("", "http"), (None, "http")],
)  # fmt: skip
def test_only_http_and_https_are_used_as_scheme(proto: str | None, scheme: str) -> None:
    """Any other value leaves the scheme of the connection."""
    assert corrected(("loopback",), "127.0.0.1", None, proto)[1] == scheme


@pytest.mark.parametrize("name", ["nonsense", "10.0.0.300", "10.0.0.0/33", ""])
def test_an_entry_that_is_no_network_is_refused(name: str) -> None:
    """The constructor raises, not a request later."""
    with pytest.raises(ValueError, match=r"address|network"):
        Proxies((name,))


@given(st.text(), st.text())
def test_any_header_of_a_trusted_proxy_gives_an_address_and_a_scheme(
    forwarded_for: str, proto: str
) -> None:
    """No text of the headers is used as anything else."""
    client, scheme = corrected(("loopback",), "127.0.0.1", forwarded_for, proto)
    assert scheme in ("http", "https")
    assert client == "127.0.0.1:5" or client == canonical(client)
    assert "%" not in client
