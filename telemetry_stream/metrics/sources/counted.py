"""Which interfaces the totals count, so that each byte is counted once (Documentation/ABI/testing/sysfs-class-net).

Interfaces are stacked: what a VLAN, a bridge, a bond or a tunnel carries, an interface below carries again. The totals
count the lowest ones.

- On a host, these have a ``device`` (physical, virtio, SR-IOV). Two kinds of them are left out: the port of a switch
  whose conduit has ``dsa/`` (the host gets all its frames through the conduit), and an interface whose ``master`` has a
  device, too (Azure: a virtual function below hv_netvsc).
- In a container, no interface has a device. The lowest are those without ``lower_*`` and ``bridge/``, whose ``iflink``
  is not an interface of the same container. A veth pair of which both ends are here is as internal as lo. A port of a
  bridge (``master``) is left out: its frames pass the uplink again. If nothing is left, the uplink itself is a tap
  (rootless containers), or a port of a bridge, or an interface on nothing, or a tunnel.

An interface is on nothing if its ``iflink`` is its own ``ifindex`` (dev_get_iflink in net/core/dev.c) or 0: dummy, ifb,
vxlan, geneve and gretap repeat what another interface carries. Two kinds are taken for an uplink: venet of OpenVZ,
which has the type void, and an interface on one in another namespace that happens to have the same number (veth,
macvlan).

``Stack`` is pure; ``read_place`` reads sysfs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ..attributes import maybe_link_target, maybe_read_once

LOOPBACK = "lo"
LOWER = "lower_"
# ARPHRD_* in include/uapi/linux/if_arp.h: ppp, ipip, ip6tnl, sit, ipgre, ip6gre, none (tun, wireguard).
TUNNEL_TYPES = frozenset({512, 768, 769, 776, 778, 823, 65534})
ARPHRD_VOID = 65535
# DEVTYPE of interfaces that are on another one. veth has no DEVTYPE; dummy and ifb have none either, but IFF_NOARP.
UPPER_TYPES = frozenset({b"vlan", b"macvlan", b"macvtap", b"ipvlan", b"ipvtap"})
IFF_NOARP = 0x80
# TUNSETIFF in Documentation/networking/tuntap.rst.
IFF_TAP = 0x2
# From the most to the least likely uplink of a container.
LOWEST, TAP, FIRST_PORT, ON_NOTHING, TUNNEL = range(5)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an interface is among the others. The default is what is known without sysfs."""

    ifindex: int | None = None
    iflink: int | None = None
    has_device: bool = False
    is_bridge: bool = False
    is_conduit: bool = False
    is_tap: bool = False
    is_tunnel: bool = False
    is_on_nothing: bool = False
    master: str | None = None
    lower: frozenset[str] = frozenset()
    # sysfs itself has lower_* for everything below (since Linux 3.14). A copy of some files may have iflink only.
    is_complete: bool = False


def read_place(directory: str) -> Place:
    """Return the place of an interface from its directory in /sys/class/net."""
    try:
        names = frozenset(os.listdir(directory))
    except OSError:
        return Place()
    master = maybe_link_target(os.path.join(directory, "master")) if "master" in names else None
    flags = _maybe_number(directory, "tun_flags", 16) if "tun_flags" in names else None
    is_tap = flags is not None and bool(flags & IFF_TAP)
    kind = _maybe_number(directory, "type")
    ifindex, iflink = _maybe_number(directory, "ifindex"), _maybe_number(directory, "iflink")
    return Place(
        ifindex=ifindex,
        iflink=iflink,
        has_device="device" in names,
        is_bridge="bridge" in names,
        is_conduit="dsa" in names,
        is_tap=is_tap,
        is_tunnel=(flags is not None and not is_tap) or kind in TUNNEL_TYPES,
        is_on_nothing=iflink is not None
        and iflink in (0, ifindex)
        and kind != ARPHRD_VOID
        and not _is_on_another(directory),
        master=None if master is None else os.path.basename(master),
        lower=frozenset(name.removeprefix(LOWER) for name in names if name.startswith(LOWER)),
        is_complete="uevent" in names,
    )


def _is_on_another(directory: str) -> bool:
    """Return whether an interface whose ``iflink`` is its own number is on one of another namespace."""
    for line in (maybe_read_once(os.path.join(directory, "uevent")) or b"").split(b"\n"):
        if line.startswith(b"DEVTYPE="):
            return line.removeprefix(b"DEVTYPE=").strip() in UPPER_TYPES
    flags = _maybe_number(directory, "flags", 16)
    return flags is not None and not flags & IFF_NOARP


def _maybe_number(directory: str, name: str, base: int = 10) -> int | None:
    try:
        return int(maybe_read_once(os.path.join(directory, name)) or b"", base)
    except ValueError:
        return None


class Stack:
    """The interfaces of one network namespace, and what is made of what."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._names = {place.ifindex: name for name, place in places.items() if place.ifindex}
        self._members: dict[str, list[str]] = {}
        for name, place in places.items():
            if place.master is not None:
                self._members.setdefault(place.master, []).append(name)

    def counted(self) -> frozenset[str]:
        """Return the names of the interfaces that the totals count."""
        if any(place.has_device for place in self._places.values()):
            return frozenset(filter(self._is_lowest_with_device, self._places))
        ranks = {
            name: rank for name in self._places if (rank := self._maybe_rank(name)) is not None
        }
        best = min(ranks.values(), default=LOWEST)
        return frozenset(name for name, rank in ranks.items() if rank == best)

    def has_link(self, name: str) -> bool:
        """Return whether there is a device at the lowest end of an interface, so that its speed is that of a link."""
        seen: set[str] = set()
        names = {name} & self._places.keys()
        while names:
            seen |= names
            if any(self._places[each].has_device for each in names):
                return True
            names = {lower for each in names for lower in self._below(each)} - seen
        return False

    def _below(self, name: str) -> set[str]:
        """Return the interfaces that carry what an interface carries."""
        place = self._places[name]
        found = {*place.lower, *self._members.get(name, ())}
        if not place.is_complete and (peer := self._maybe_peer(name)) is not None:
            found.add(peer)
        return found & self._places.keys()

    def _maybe_peer(self, name: str) -> str | None:
        """Return the other interface here that ``iflink`` names. (It may be a number of another namespace.)"""
        place = self._places[name]
        if not place.iflink or place.iflink == place.ifindex:
            return None
        return self._names.get(place.iflink)

    def _is_lowest_with_device(self, name: str) -> bool:
        place = self._places[name]
        if not place.has_device:
            return False
        master = self._places.get(place.master or "")
        if master is not None and master.has_device:
            return False
        lower = {*place.lower, self._maybe_peer(name) or ""} & self._places.keys()
        return not any(self._places[each].is_conduit for each in lower)

    def _maybe_rank(self, name: str) -> int | None:
        """Return how likely an interface of a container is its uplink, or None if it repeats other interfaces."""
        place = self._places[name]
        peer = self._maybe_peer(name)
        is_internal_pair = peer is not None and self._places[peer].iflink == place.ifindex
        if name == LOOPBACK or place.is_bridge or is_internal_pair or self._below(name):
            return None
        master = self._places.get(place.master or "")
        if master is not None and master.is_bridge:
            # The uplink was there before the containers that were added to its bridge.
            first = min(
                self._members[place.master or ""],
                key=lambda each: (self._places[each].ifindex or 0, each),
            )
            return FIRST_PORT if name == first else None
        if place.is_tap:
            return TAP
        if place.is_on_nothing and not place.is_tunnel:
            return ON_NOTHING
        return TUNNEL if place.is_tunnel else LOWEST
