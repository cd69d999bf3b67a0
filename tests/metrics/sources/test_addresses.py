"""Addresses of interfaces from messages of rtnetlink."""

from __future__ import annotations

import ipaddress
import socket

import psutil
from hypothesis import given

from telemetry_stream.metrics.rtnetlink import ATTRIBUTE, HEADER
from telemetry_stream.metrics.sources.addresses import (
    IFA_ADDRESS,
    IFA_LOCAL,
    MESSAGE,
    RTM_NEWADDR,
    SCOPE_HOST,
    SCOPE_LINK,
    parse,
    request_addresses,
)
from tests.metrics.trees import odd


def message(
    index: int, address: str, prefix: int, *, scope: int = 0, peer: str | None = None
) -> bytes:
    """Return the kernel's message about one address."""
    raw = ipaddress.ip_address(address).packed
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
    values = [(IFA_ADDRESS, ipaddress.ip_address(peer or address).packed)]
    if family == socket.AF_INET or peer:
        values.append((IFA_LOCAL, raw))
    values.append((3, b"a label\0"))
    body = MESSAGE.pack(family, prefix, 0, scope, index)
    body += b"".join(ATTRIBUTE.pack(4 + len(value), kind) + value for kind, value in values)
    return HEADER.pack(HEADER.size + len(body), RTM_NEWADDR, 2, 1, 0) + body


def test_addresses_by_interface_in_the_order_of_the_kernel() -> None:
    """With their prefix lengths. Those that every interface has are left out, and the peer of a tunnel is not ours."""
    content = (
        message(1, "127.0.0.1", 8, scope=SCOPE_HOST)
        + message(2, "192.0.2.7", 24)
        + message(3, "10.0.0.1", 32, peer="10.0.0.2")
        + message(1, "::1", 128, scope=SCOPE_HOST)
        + message(2, "2001:db8::7", 64)
        + message(2, "fe80::1", 64, scope=SCOPE_LINK)
        + message(4, "169.254.3.4", 16, scope=SCOPE_LINK)
    )
    assert parse(content) == {
        2: "192.0.2.7/24 2001:db8::7/64",
        3: "10.0.0.1/32",
        4: "169.254.3.4/16",
    }


def test_the_addresses_of_an_interface_are_bounded() -> None:
    """A mark shows that there are more."""
    content = b"".join(message(2, f"192.0.2.{n}", 24) for n in range(1, 200))
    assert parse(content)[2].split()[-2:] == ["192.0.2.8/24", "…"]


def test_an_address_with_too_long_a_prefix_is_skipped() -> None:
    """The kernel sends none."""
    content = message(2, "192.0.2.7", 33) + message(2, "192.0.2.8", 32)
    assert parse(content) == {2: "192.0.2.8/32"}


@given(odd(message(2, "192.0.2.7", 24) + message(2, "2001:db8::7", 64)))
def test_any_messages_are_parsed(content: bytes) -> None:
    """What is not a message is skipped."""
    for shown in parse(content).values():
        for address in shown.split():
            ipaddress.ip_interface(address)


def test_the_addresses_of_this_system_are_those_of_psutil() -> None:
    """Except the ones that are left out."""
    expected = {}
    for name, found in psutil.net_if_addrs().items():
        parsed = [
            ipaddress.ip_address(one.address.partition("%")[0])
            for one in found
            if one.family in (socket.AF_INET, socket.AF_INET6)
        ]
        shown = {str(one) for one in parsed if not (one.is_loopback or one in FE80)}
        if shown:
            expected[name] = shown
    actual = {
        socket.if_indextoname(index): {one.partition("/")[0] for one in shown.split()}
        for index, shown in parse(request_addresses()).items()
    }
    assert actual == expected


FE80 = ipaddress.ip_network("fe80::/10")
