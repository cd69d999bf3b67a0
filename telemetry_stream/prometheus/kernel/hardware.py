"""Devices with counters of their own: memory controllers, the energy of processors, NVMe (collectors edac, rapl, nvme).

Drivers may ask their device for these values, so this runs on a worker.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from ..exposition import Family, labels, scaled
from .host import Host, attributes, maybe_number, names_in

MC = re.compile(r"mc(\d+)$")
CSROW = re.compile(r"csrow(\d+)$")
CHANNEL = re.compile(r"ch(\d+)_ce_count$")
ZONE = re.compile(r"intel-rapl:\d+(:\d+)?$")
NVME = ("firmware_rev", "model", "serial", "state", "cntlid")


class Rows:
    """Families that are filled row by row, in the order in which they are first mentioned."""

    def __init__(self) -> None:
        self._found: dict[str, Family] = {}

    def add(self, name: str, text: str, of: dict[str, str], value: float | None) -> None:
        """Add one row to a counter."""
        family = self._found.setdefault(name, Family(name, "counter", text, []))
        family.rows = [*family.rows, (labels(of), value)]

    def families(self) -> Iterator[Family]:
        """Yield the families."""
        yield from self._found.values()


def collect_edac(host: Host) -> Iterator[Family]:
    """Yield the memory errors of each controller, row and channel (Documentation/admin-guide/RAS/main.rst).

    Raises FileNotFoundError without a driver for the memory controllers.
    """
    rows = Rows()
    directory = host.sys("devices/system/edac/mc")
    for mc in filter(None, map(MC.match, names_in(directory))):
        controller = os.path.join(directory, mc.group())
        found = attributes(
            controller, ("ce_count", "ue_count", "ce_noinfo_count", "ue_noinfo_count")
        )
        of = {"controller": mc.group(1)}
        for short, word in (("ce", "correctable"), ("ue", "uncorrectable")):
            text = f"Total {word} memory errors"
            count = maybe_number(found.get(f"{short}_count"))
            rows.add(f"node_edac_{word}_errors_total", f"{text}.", of, count)
            without_row = maybe_number(found.get(f"{short}_noinfo_count"))
            name = f"node_edac_csrow_{word}_errors_total"
            text = f"{text} for this csrow."
            rows.add(name, text, {**of, "csrow": "unknown"}, without_row)
        for csrow in filter(None, map(CSROW.match, names_in(controller))):
            _add_csrow(
                rows, os.path.join(controller, csrow.group()), of | {"csrow": csrow.group(1)}
            )
    yield from rows.families()


def _add_csrow(rows: Rows, directory: str, of: dict[str, str]) -> None:
    names = names_in(directory)
    found = attributes(directory, names)
    channels = [match.group(1) for match in map(CHANNEL.match, names) if match]
    for short, word in (("ce", "correctable"), ("ue", "uncorrectable")):
        text = f"Total {word} memory errors for this"
        count = maybe_number(found.get(f"{short}_count"))
        rows.add(f"node_edac_csrow_{word}_errors_total", f"{text} csrow.", of, count)
        for channel in channels:
            label = found.get(f"ch{channel}_dimm_label", "unknown").replace("#", "")
            label = label.replace("csrow", "_csrow").replace("channel", "_channel")
            count = maybe_number(found.get(f"ch{channel}_{short}_count"))
            name = f"node_edac_channel_{word}_errors_total"
            rows.add(
                name, f"{text} channel.", of | {"channel": channel, "dimm_label": label}, count
            )


def collect_rapl(host: Host) -> Iterator[Family]:
    """Yield the energy that each zone has used (Documentation/power/powercap/powercap.rst).

    Since Linux 5.10, only root may read it: then there is none. Raises FileNotFoundError without the driver.
    """
    rows = Rows()
    directory = host.sys("class/powercap")
    seen: dict[str, int] = {}
    for zone in filter(ZONE.match, names_in(directory)):
        path = os.path.join(directory, zone)
        found = attributes(path, ("name", "energy_uj"))
        name = found.get("name", "")
        # package-0; core, uncore, dram and psys have no number
        kind, _, number = name.rpartition("-")
        if not number.isdigit():
            kind, number = name, str(seen.get(name, 0))
        seen[name] = seen.get(name, 0) + 1
        joules = scaled(maybe_number(found.get("energy_uj")), 1e-6)
        series = f"node_rapl_{re.sub(r'[^a-zA-Z0-9_]', '_', kind)}_joules_total"
        text = f"Current RAPL {kind} value in joules"
        rows.add(series, text, {"index": number, "path": path}, joules)
    yield from rows.families()


def collect_nvme(host: Host) -> Iterator[Family]:
    """Yield the description of each NVMe controller. Raises FileNotFoundError without the driver."""
    directory = host.sys("class/nvme")
    found: list[tuple[str, float | None]] = []
    for device in names_in(directory):
        texts = attributes(os.path.join(directory, device), NVME)
        of = {
            "device": device,
            "firmware_revision": texts.get("firmware_rev", ""),
            **{name: texts.get(name, "") for name in NVME[1:]},
        }
        found.append((labels(of), 1))
    text = "Non-numeric data from /sys/class/nvme/<device>, value is always 1."
    yield Family("node_nvme_info", "gauge", text, found)
