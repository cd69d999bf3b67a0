"""The properties of each interface in /sys/class/net (Documentation/ABI/testing/sysfs-class-net), and bonds (collectors
netclass and bonding).

Most of them come from one dump of rtnetlink (links.py). Without netlink, of another host, and what the dump does not
contain is read from the files.

The dump and some of these files take the rtnl lock or ask the driver, so that they may block: this runs on a worker.
The speed and the duplex mode of a device that sleeps are not read, because that would wake it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from ...metrics.attributes import maybe_linked_directory
from ...metrics.sources import link, sleep
from ..exposition import Column, Family, Kind, labels, table
from .host import Host, attributes, maybe_number, names_in
from .links import read_links

# Name on the page, file, base. Files that are no numbers are in TEXTS.
NUMBERS = (
    ("address_assign_type", "addr_assign_type", 10),
    ("carrier", "carrier", 10),
    ("carrier_changes_total", "carrier_changes", 10),
    ("carrier_up_changes_total", "carrier_up_count", 10),
    ("carrier_down_changes_total", "carrier_down_count", 10),
    ("device_id", "dev_id", 16),
    ("dormant", "dormant", 10),
    ("flags", "flags", 16),
    ("iface_id", "ifindex", 10),
    ("iface_link", "iflink", 10),
    ("iface_link_mode", "link_mode", 10),
    ("mtu_bytes", "mtu", 10),
    ("name_assign_type", "name_assign_type", 10),
    ("net_dev_group", "netdev_group", 10),
    ("transmit_queue_length", "tx_queue_len", 10),
    ("protocol_type", "type", 10),
    ("receive_nohandler_total", "statistics/rx_nohandler", 10),
)
TEXTS = ("address", "broadcast", "ifalias", "operstate")
WAKING = ("speed", "duplex")
BYTES_PER_MEGABIT = 125_000
IFF_UP = 1

INFO = "Non-numeric data from /sys/class/net/<iface>, value is always 1."
UP = "Value is 1 if operstate is 'up', 0 otherwise."


def collect(host: Host) -> Iterator[Family]:
    """Yield a family for each property. Raises OSError."""
    directory = host.sys("class/net")
    links = _links(host)
    names = [name for name in names_in(directory) if os.path.isdir(os.path.join(directory, name))]
    found = {name: _read(os.path.join(directory, name), links.get(name, {})) for name in names}
    rows = []
    infos: list[tuple[str, float | None]] = []
    for name, files in found.items():
        device = labels({"device": name})
        numbers = [maybe_number(files.get(file), base) for _, file, base in NUMBERS]
        speed = link.parse_speed(files.get("speed", "").encode())
        speed_bytes = None if speed is None else speed * BYTES_PER_MEGABIT
        rows.append((device, [*numbers, speed_bytes, files.get("operstate") == "up"]))
        infos.append((_info(name, files), 1))
    yield from table(COLUMNS, rows)
    yield Family("node_network_info", "gauge", INFO, infos)
    yield from _bonds(directory)


def _property(name: str) -> Column:
    kind: Kind = "counter" if name.endswith("_total") else "gauge"
    return Column(f"node_network_{name}", kind, f"Network device property: {name}")


COLUMNS = (
    *(_property(name) for name, _, _ in NUMBERS),
    _property("speed_bytes"),
    Column("node_network_up", "gauge", UP),
)


FILES = (*(file for _, file, _ in NUMBERS), *TEXTS)


def _links(host: Host) -> Mapping[str, Mapping[str, str]]:
    """Return what rtnetlink has of each interface: nothing of another host, or if a sandbox refuses netlink."""
    if not host.is_system:
        return {}
    try:
        return read_links()
    except OSError:
        return {}


def _read(directory: str, known: Mapping[str, str]) -> Mapping[str, str]:
    """Return the contents of the files of an interface, of which some are known."""
    missing = [file for file in FILES if file not in known]
    if any(file not in known for file in WAKING):
        device = maybe_linked_directory(os.path.join(directory, "device"))
        missing += () if sleep.is_asleep(device) else WAKING
    return {**known, **attributes(directory, missing)}


def _info(name: str, files: Mapping[str, str]) -> str:
    flags = maybe_number(files.get("flags"), 16)
    up = "unknown" if flags is None else "up" if flags & IFF_UP else "down"
    texts = {key: files.get(key, "") for key in ("address", "broadcast", "duplex")}
    return labels(
        {
            **texts,
            "adminstate": up,
            "device": name,
            "ifalias": files.get("ifalias", ""),
            "operstate": files.get("operstate", ""),
        }
    )


def _bonds(directory: str) -> Iterator[Family]:
    """Yield the number of links of each bond, and how many of them are up. Without the driver, there is no file."""
    masters = attributes(directory, ("bonding_masters",)).get("bonding_masters", "").split()
    rows = []
    for master in masters:
        links = attributes(os.path.join(directory, master, "bonding"), ("slaves",))
        states = [
            attributes(
                os.path.join(directory, master, f"lower_{name}/bonding_slave"), ("mii_status",)
            )
            for name in links.get("slaves", "").split()
        ]
        up = sum(state.get("mii_status") == "up" for state in states)
        rows.append((labels({"master": master}), (len(states), up)))
    yield from table(BONDS, rows)


BONDS = (
    Column("node_bonding_slaves", "gauge", "Number of configured slaves per bonding interface."),
    Column("node_bonding_active", "gauge", "Number of active slaves per bonding interface."),
)
