"""Which interfaces the totals count."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry_stream.metrics.sources.counted import Place, Stack, read_place
from tests.metrics.trees import Tree

LO = Place(1, 1)
CARD = Place(2, 2, has_device=True)
ETH0 = Place(2, 77)  # a veth whose other end is on the host


def counted(**places: Place) -> set[str]:
    """Return the names that are counted, with a loopback beside them."""
    return set(Stack({"lo": LO, **places}).counted())


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        # drivers/net/bonding, drivers/net/team: the members carry the bytes, and their master repeats them.
        (
            {
                "eth0": Place(2, 2, has_device=True, master="bond0"),
                "eth1": Place(3, 3, has_device=True, master="bond0"),
                "bond0": Place(4, 4, lower=frozenset({"eth0", "eth1"})),
                "bond0.7": Place(5, 4, lower=frozenset({"bond0"})),
            },
            {"eth0", "eth1"},
        ),
        # A host of virtual machines: the card is a port of the bridge, and so are the taps.
        (
            {
                "eth0": Place(2, 2, has_device=True, master="br0"),
                "br0": Place(3, 3, is_bridge=True, lower=frozenset({"eth0", "vnet0"})),
                "vnet0": Place(4, 4, is_tap=True, master="br0"),
                "wg0": Place(5, 5, is_tunnel=True),
            },
            {"eth0"},
        ),
        # net/dsa/user.c: ports have a device (the switch) and iflink is that of the conduit, which has dsa/.
        (
            {
                "eth0": Place(2, 2, has_device=True, is_conduit=True),
                "wan": Place(3, 2, has_device=True, lower=frozenset({"eth0"})),
                "lan1": Place(4, 2, has_device=True, master="br-lan"),
                "br-lan": Place(5, 5, is_bridge=True, lower=frozenset({"lan1"})),
            },
            {"eth0"},
        ),
        # drivers/infiniband/ulp/ipoib: a child has the device and iflink of its parent, which does not count its bytes.
        (
            {
                "ib0": Place(2, 2, has_device=True),
                "ib0.8001": Place(3, 2, has_device=True),
            },
            {"ib0", "ib0.8001"},
        ),
        # drivers/net/hyperv: the virtual function below hv_netvsc counts again.
        (
            {
                "eth0": Place(2, 2, has_device=True, lower=frozenset({"enP1"})),
                "enP1": Place(3, 3, has_device=True, master="eth0"),
            },
            {"eth0"},
        ),
    ],
    ids=["bond", "bridge", "dsa", "ipoib", "netvsc"],
)
def test_on_a_host_the_lowest_interfaces_with_a_device_count(
    places: dict[str, Place], expected: set[str]
) -> None:
    """Each byte is counted once."""
    assert counted(**places) == expected


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({"eth0": ETH0}, {"eth0"}),
        # Docker in LXC: what the port and the bridge carry, eth0 carries again.
        (
            {
                "eth0": ETH0,
                "docker0": Place(3, 3, is_bridge=True),
                "veth1": Place(5, 4, master="docker0"),
            },
            {"eth0"},
        ),
        # Documentation/networking/bonding.rst, in a container with two veths.
        (
            {
                "eth0": Place(2, 77, master="bond0"),
                "eth1": Place(3, 78, master="bond0"),
                "bond0": Place(4, 4),
            },
            {"eth0", "eth1"},
        ),
        # net/8021q: lower_eth0 and iflink; a copy may have one of them.
        ({"eth0": ETH0, "eth0.5": Place(3, 2, lower=frozenset({"eth0"}))}, {"eth0"}),
        ({"eth0": ETH0, "eth0.5": Place(3, 2)}, {"eth0"}),
        # drivers/net/macvlan.c: below it is an interface of the container, or one of the host.
        ({"eth0": ETH0, "macvlan0": Place(3, 2, lower=frozenset({"eth0"}))}, {"eth0"}),
        ({"eth0": Place(5, 2), "tunl0": Place(3, 0, is_tunnel=True)}, {"eth0"}),
        # The number in iflink is one of the host's. sysfs is complete, and there is no lower_eth0.
        (
            {"eth0": ETH0, "net1": Place(4, 2, is_complete=True)},
            {"eth0", "net1"},
        ),
        # Both ends of a veth pair are here.
        ({"eth0": ETH0, "a": Place(3, 4), "b": Place(4, 3)}, {"eth0"}),
        # A bridge that has no port yet.
        ({"eth0": ETH0, "docker0": Place(3, 3, is_bridge=True)}, {"eth0"}),
        # Two networks of Docker.
        ({"eth0": ETH0, "eth1": Place(3, 79)}, {"eth0", "eth1"}),
        # A tunnel repeats its packets. drivers/net/tun.c, drivers/net/wireguard.
        ({"eth0": ETH0, "tun0": Place(3, 3, is_tunnel=True)}, {"eth0"}),
        # Rootless containers: slirp4netns and pasta are a tap.
        (
            {
                "tap0": Place(2, 2, is_tap=True),
                "podman0": Place(3, 3, is_bridge=True),
                "veth0": Place(4, 2, master="podman0"),
            },
            {"tap0"},
        ),
        # LXC in LXC: the uplink is a port of the bridge, and was there first.
        (
            {
                "br0": Place(3, 3, is_bridge=True),
                "eth0": Place(2, 77, master="br0"),
                "veth9": Place(9, 8, master="br0"),
            },
            {"eth0"},
        ),
        ({"wg0": Place(2, 2, is_tunnel=True)}, {"wg0"}),
        # Documentation/networking/vxlan.rst, drivers/net/ifb.c: eth0 carries the same bytes.
        ({"eth0": ETH0, "vxlan1": Place(5, 5, is_on_nothing=True)}, {"eth0"}),
        # rtnl_link of net/ipv4/ip_gre.c: gretap has the type of Ethernet, and iflink 0.
        (
            {
                "eth0": Place(2, 77, master="br0"),
                "br0": Place(3, 3, is_bridge=True, lower=frozenset({"eth0"})),
                "gretap0": Place(4, 0, is_on_nothing=True),
            },
            {"eth0"},
        ),
        # Nothing else is here, so it is the uplink.
        ({"x0": Place(2, 2, is_on_nothing=True)}, {"x0"}),
        ({"x0": Place(2, 2, is_on_nothing=True), "tunl0": Place(3, 0, is_tunnel=True)}, {"x0"}),
        ({}, set()),
    ],
)
def test_in_a_container_those_that_do_not_repeat_others_count(
    places: dict[str, Place], expected: set[str]
) -> None:
    """No interface has a device."""
    assert counted(**places) == expected


def test_a_speed_is_that_of_a_device_below() -> None:
    """veth (10000), dummy and tun (10) have constants; a bond and a VLAN have the speed of their cards."""
    stack = Stack(
        {
            "eth0": Place(2, 2, has_device=True, master="bond0"),
            "bond0": Place(3, 3),
            "bond0.7": Place(4, 3, lower=frozenset({"bond0"})),
            "docker0": Place(5, 5, is_bridge=True, lower=frozenset({"veth1"})),
            "veth1": Place(6, 77, master="docker0"),
            "dummy0": Place(7, 7),
            "tun0": Place(8, 8, is_tunnel=True),
        }
    )
    names = ("eth0", "bond0", "bond0.7", "docker0", "veth1", "dummy0", "tun0", "gone")
    assert [stack.has_link(name) for name in names] == [True] * 3 + [False] * 5


def test_a_place_is_read_from_sysfs(tree: Tree) -> None:
    """One list of the directory, and a few small files."""
    directory = "sys/class/net/lan1"
    for name, content in {
        "ifindex": "4\n",
        "iflink": "2\n",
        "type": "1\n",
        "uevent": "DEVTYPE=dsa\n",
        "device/uevent": "",
        "lower_eth0/ifindex": "2\n",
    }.items():
        tree.put(f"{directory}/{name}", content)
    tree.link(f"{directory}/master", "../br-lan")
    assert read_place(str(Path(tree.sys, "class/net/lan1"))) == Place(
        4,
        2,
        has_device=True,
        master="br-lan",
        lower=frozenset({"eth0"}),
        is_complete=True,
    )
    assert read_place(str(Path(tree.sys, "class/net/gone"))) == Place()


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"tun_flags": "0x1001\n"}, (False, True)),  # IFF_TUN | IFF_NO_PI
        ({"tun_flags": "0x1002\n"}, (True, False)),  # IFF_TAP | IFF_NO_PI
        ({"type": "65534\n"}, (False, True)),  # ARPHRD_NONE: wireguard
        ({"type": "776\n"}, (False, True)),  # ARPHRD_SIT
        ({"type": "1\n"}, (False, False)),
        ({"type": "x\n"}, (False, False)),
    ],
)
def test_taps_and_tunnels(tree: Tree, files: dict[str, str], expected: tuple[bool, bool]) -> None:
    """A tap carries frames, as an Ethernet port; a tunnel carries packets."""
    for name, content in files.items():
        tree.put(f"sys/class/net/x/{name}", content)
    place = read_place(str(Path(tree.sys, "class/net/x")))
    assert (place.is_tap, place.is_tunnel) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"iflink": "2"}, True),
        ({"iflink": "0"}, True),  # gretap, and a tunnel that is bound to no interface
        ({"iflink": "3"}, False),
        ({}, False),
        ({"iflink": "2", "flags": "0x82"}, True),  # IFF_NOARP: dummy, ifb
        ({"iflink": "2", "flags": "0x1003", "uevent": "DEVTYPE=vxlan\n"}, True),
        # The number of an interface of another namespace, by chance.
        ({"iflink": "2", "flags": "0x1003", "uevent": "INTERFACE=eth0\n"}, False),  # veth
        ({"iflink": "2", "flags": "0x1003", "uevent": "DEVTYPE=macvlan\n"}, False),
        ({"iflink": "2", "flags": "0x90", "uevent": "DEVTYPE=ipvlan\n"}, False),
        ({"iflink": "2", "flags": "0x90", "type": "65535"}, False),  # venet of OpenVZ
    ],
)
def test_an_interface_on_nothing(tree: Tree, files: dict[str, str], expected: bool) -> None:
    """dev_get_iflink in net/core/dev.c returns the interface's own number if it is on no other."""
    for name, content in {"ifindex": "2", "type": "1", **files}.items():
        tree.put(f"sys/class/net/x/{name}", f"{content}\n")
    assert read_place(str(Path(tree.sys, "class/net/x"))).is_on_nothing == expected
