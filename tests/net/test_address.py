"""Addresses: which are one peer's, which are this host's, and how many of each there may be."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.net.address import PerAddress, is_loopback, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("unix", "unix"),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    """An IPv6 host has a whole /64 to come from."""
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("::2", False),
        ("127.example.org", False),
        ("unix", False),
    ],
)
def test_loopback(address: str, own: bool) -> None:
    """Only what cannot come from elsewhere."""
    assert is_loopback(address) is own


def test_one_address_does_not_take_another_s_places() -> None:
    """So many each; a place that was given back can be taken again."""
    places = PerAddress(2)
    assert [places.take("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert places.take("192.0.2.2")
    places.give_back("192.0.2.1")
    assert [places.take("192.0.2.1") for _ in range(2)] == [True, False]


def test_a_network_is_one_peer() -> None:
    """Another address of the same /64 is no way round the limit."""
    places = PerAddress(1)
    assert places.take("2001:db8::1")
    assert not places.take("2001:db8::2")
    assert places.take("2001:db8:0:1::1")
    places.give_back("2001:db8::2")
    assert places.take("2001:db8::3")


def test_this_host_has_no_limit() -> None:
    """A proxy or a tunnel may stand for many."""
    places = PerAddress(1)
    assert all(places.take("127.0.0.1") for _ in range(10))
    places.give_back("127.0.0.1")
    assert not places._taken


@given(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "::1"])))
def test_nothing_is_kept_of_who_has_left(addresses: list[str]) -> None:
    """The table is as long as there are peers."""
    places = PerAddress(3)
    for address in [address for address in addresses if places.take(address)]:
        places.give_back(address)
    assert places._taken == {}


def test_two_threads_take_no_more_than_there_is() -> None:
    """Counting is atomic."""
    places, taken = PerAddress(500), list[bool]()

    def take() -> None:
        taken.extend(places.take("192.0.2.1") for _ in range(400))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 500
