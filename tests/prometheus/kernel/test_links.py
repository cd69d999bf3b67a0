"""Interfaces from messages of rtnetlink."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given

from telemetry_stream.metrics.rtnetlink import ATTRIBUTE, HEADER, NLM_F_DUMP_INTR
from telemetry_stream.prometheus.kernel import netclass
from telemetry_stream.prometheus.kernel.host import Host
from telemetry_stream.prometheus.kernel.links import MESSAGE, RTM_NEWLINK, parse, read_links
from tests.conftest import eventually
from tests.metrics.trees import odd
from tests.prometheus.areas import lines

UP, PROMISC, RUNNING, LOWER_UP, MULTICAST = 0x1, 0x100, 0x40, 0x10000, 0x1000


def link(flags: int, values: dict[int, bytes], *, message_flags: int = 2) -> bytes:
    """Return the kernel's message about interface 4, an Ethernet."""
    body = MESSAGE.pack(0, 1, 4, flags, 0)
    for kind, value in values.items():
        padding = b"\0" * (-len(value) % 4)
        body += ATTRIBUTE.pack(4 + len(value), kind) + value + padding
    return HEADER.pack(HEADER.size + len(body), RTM_NEWLINK, message_flags, 1, 0) + body


def number(value: int, size: int = 4) -> bytes:
    """Return a number as the kernel stores it."""
    return value.to_bytes(size, sys.byteorder)


STATISTICS = b"".join(number(place, 8) for place in range(25))
VALUES = {
    1: bytes.fromhex("02fc00000001"),
    2: b"\xff" * 6,
    3: b"eth0\0",
    4: number(1500),
    5: number(2),
    13: number(1000),
    16: number(6, 1),
    17: number(1, 1),
    20: b"the uplink\0",
    23: STATISTICS,
    27: number(7),
    30: number(1),
    33: number(1, 1),
    35: number(5),
    47: number(3),
    48: number(2),
    61: number(0),
}


def test_an_interface_has_the_contents_of_its_files() -> None:
    """The flags are those of the file: without the state of the link, with a promiscuity that no user has set."""
    assert parse(link(UP | RUNNING | LOWER_UP | MULTICAST, VALUES)) == {
        "eth0": {
            "address": "02:fc:00:00:00:01",
            "broadcast": "ff:ff:ff:ff:ff:ff",
            "carrier": "1",
            "carrier_changes": "5",
            "carrier_down_count": "2",
            "carrier_up_count": "3",
            "dormant": "0",
            "flags": hex(UP | MULTICAST | PROMISC),
            "ifalias": "the uplink",
            "ifindex": "4",
            "iflink": "2",
            "link_mode": "1",
            "mtu": "1500",
            "netdev_group": "7",
            "operstate": "up",
            "statistics/rx_nohandler": "23",
            "tx_queue_len": "1000",
            "type": "1",
        }
    }


def test_what_the_kernel_leaves_out() -> None:
    """Is empty, or the interface itself; what an old kernel does not have is left to the files."""
    assert parse(link(UP, {3: b"tun0\0"})) == {
        "tun0": {
            "address": "",
            "broadcast": "",
            "dormant": "0",
            "ifalias": "",
            "ifindex": "4",
            "iflink": "4",
            "type": "1",
        }
    }


def test_an_interface_that_is_down() -> None:
    """The kernel has no carrier and no speed of it; the files, which cannot be read, need not be opened."""
    files = parse(link(0, VALUES))["eth0"]
    assert [files[name] for name in ("carrier", "dormant", "speed", "duplex")] == [""] * 4


def test_a_dump_that_changed_is_an_error() -> None:
    """An interface may be missing in it. The files are read instead."""
    with pytest.raises(OSError, match="changed"):
        parse(link(UP, VALUES, message_flags=NLM_F_DUMP_INTR))


@given(odd(link(UP, VALUES) + link(0, {3: b"lo\0"})))
def test_any_messages_are_parsed(content: bytes) -> None:
    """What is not a message is skipped."""
    try:
        found = parse(content)
    except OSError:
        return
    assert all(files["ifindex"] for files in found.values())


def test_the_interfaces_of_this_system_are_those_of_its_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without netlink, the page is the same."""
    host = Host("/proc", "/sys")

    def refuse() -> None:
        raise PermissionError

    def are_equal() -> bool:
        found = lines(netclass.collect(host))
        with monkeypatch.context() as patched:
            patched.setattr(netclass, "read_links", refuse)
            return found == lines(netclass.collect(host))

    assert "lo" in read_links()
    assert eventually(are_equal)


def test_the_files_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that no dump has."""
    read: list[str] = []

    def attributes(_: str, names: list[str]) -> dict[str, str]:
        read.extend(names)
        return {}

    monkeypatch.setattr(netclass, "attributes", attributes)
    monkeypatch.setattr(netclass, "read_links", lambda: dict.fromkeys(("lo",), parse(LO)["lo"]))
    monkeypatch.setattr(netclass, "names_in", lambda _: ["lo"])
    list(netclass.collect(Host("/proc", "/sys")))
    assert set(read) == {
        "addr_assign_type",
        "bonding_masters",
        "dev_id",
        "duplex",
        "name_assign_type",
        "speed",
    }


LO = link(UP, VALUES | {3: b"lo\0"})
