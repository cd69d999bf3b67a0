"""Peer addresses: networks, loopback, and the limit per address."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.net.address import PerAddress, canonical, is_loopback, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("unknown", "unknown"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    """An IPv6 address belongs to its /64, a mapped one is the IPv4 address; other text is returned unchanged."""
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("0:0:0:0:0:FFFF:c000:0207", "192.0.2.7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("::ffff:0:192.0.2.7", "::ffff:0:c000:207"),  # translated, not mapped (RFC 2765)
        ("not:an:address", "not:an:address"),
        ("unknown", "unknown"),
    ],
)
def test_an_address_has_one_form(text: str, form: str) -> None:
    """An IPv4-mapped address is the IPv4 address."""
    assert canonical(text) == form


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("::2", False),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("127.example.org", False),
        ("unknown", False),
    ],
)
def test_loopback(address: str, expected: bool) -> None:
    """Only addresses that another host cannot use."""
    assert is_loopback(address) is expected


def test_each_address_has_its_own_slots() -> None:
    """The limit of one address does not affect another; a released slot can be reserved again."""
    limit = PerAddress(2)
    assert [limit.reserve("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert limit.reserve("192.0.2.2")
    limit.release("192.0.2.1")
    assert [limit.reserve("192.0.2.1") for _ in range(2)] == [True, False]


def test_addresses_of_one_ipv6_network_share_their_slots() -> None:
    """A client cannot avoid the limit with another address of its /64."""
    limit = PerAddress(1)
    assert limit.reserve("2001:db8::1")
    assert not limit.reserve("2001:db8::2")
    assert limit.reserve("2001:db8:0:1::1")
    limit.release("2001:db8::2")
    assert limit.reserve("2001:db8::3")


def test_loopback_has_no_limit() -> None:
    """A local proxy or tunnel serves many clients."""
    limit = PerAddress(1)
    assert all(limit.reserve("127.0.0.1") for _ in range(10))
    limit.release("127.0.0.1")
    assert repr(limit) == "<PerAddress limit=1 networks=0>"


@given(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "::1"])))
def test_nothing_is_kept_for_addresses_without_connections(addresses: list[str]) -> None:
    """So the table cannot grow with the number of addresses that were ever seen."""
    limit = PerAddress(3)
    for address in [address for address in addresses if limit.reserve(address)]:
        limit.release(address)
    assert repr(limit) == "<PerAddress limit=3 networks=0>"


def test_threads_never_reserve_more_than_the_limit() -> None:
    """Checking and counting are one step."""
    limit, reserved = PerAddress(500), list[bool]()

    def reserve() -> None:
        reserved.extend(limit.reserve("192.0.2.1") for _ in range(400))

    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reserved.count(True) == 500
