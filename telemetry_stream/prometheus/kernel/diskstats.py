"""All counters of /proc/diskstats (Documentation/admin-guide/iostats.rst), and what udev has recorded of each disk.

Devices as with node_exporter's default: no partitions, ram disks, loop and floppy devices. Unlike in the section disks,
device mapper and md are here with their members. A kernel before 4.18 has no discards, one before 5.5 no flushes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...metrics import counters
from ...metrics.attributes import maybe_read_once
from ...metrics.sources.diskstats import SECTOR_BYTES
from ..exposition import Column, Family, Kind, labels, table
from .host import Host, text_of

EXCLUDED = re.compile(r"^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$")
MS = 1e-3

FIELDS: tuple[tuple[str, Kind, str, float], ...] = (
    ("reads_completed_total", "counter", "The total number of reads completed successfully.", 1),
    ("reads_merged_total", "counter", "The total number of reads merged.", 1),
    ("read_bytes_total", "counter", "The total number of bytes read successfully.", SECTOR_BYTES),
    (
        "read_time_seconds_total",
        "counter",
        "The total number of seconds spent by all reads.",
        MS,
    ),
    ("writes_completed_total", "counter", "The total number of writes completed successfully.", 1),
    ("writes_merged_total", "counter", "The number of writes merged.", 1),
    (
        "written_bytes_total",
        "counter",
        "The total number of bytes written successfully.",
        SECTOR_BYTES,
    ),
    (
        "write_time_seconds_total",
        "counter",
        "This is the total number of seconds spent by all writes.",
        MS,
    ),
    ("io_now", "gauge", "The number of I/Os currently in progress.", 1),
    ("io_time_seconds_total", "counter", "Total seconds spent doing I/Os.", MS),
    (
        "io_time_weighted_seconds_total",
        "counter",
        "The weighted # of seconds spent doing I/Os.",
        MS,
    ),
    (
        "discards_completed_total",
        "counter",
        "The total number of discards completed successfully.",
        1,
    ),
    ("discards_merged_total", "counter", "The total number of discards merged.", 1),
    (
        "discarded_sectors_total",
        "counter",
        "The total number of sectors discarded successfully.",
        1,
    ),
    (
        "discard_time_seconds_total",
        "counter",
        "This is the total number of seconds spent by all discards.",
        MS,
    ),
    (
        "flush_requests_total",
        "counter",
        "The total number of flush requests completed successfully",
        1,
    ),
    (
        "flush_requests_time_seconds_total",
        "counter",
        "This is the total number of seconds spent by all flush requests.",
        MS,
    ),
)
COLUMNS = tuple(
    Column(f"node_disk_{name}", kind, text, factor) for name, kind, text, factor in FIELDS
)

# The labels of node_disk_info, and the properties of udev that they come from, the best first.
UDEV = {
    "path": ("ID_PATH",),
    "wwn": ("ID_WWN",),
    "model": ("ID_MODEL",),
    "serial": ("SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"),
    "revision": ("ID_REVISION",),
}
PROPERTY = "E:"


def collect(host: Host) -> Iterator[Family]:
    """Yield the families of the disks. Raises OSError."""
    rows = []
    infos: list[tuple[str, float | None]] = []
    for line in host.proc("diskstats").splitlines():
        words = line.split()
        if len(words) < 4:
            continue
        major, minor, name = (word.decode("utf-8", "replace") for word in words[:3])
        if not EXCLUDED.match(name):
            rows.append((labels({"device": name}), counters.counts(words[3 : 3 + len(COLUMNS)])))
            infos.append((_info(host, name, major, minor), 1))
    yield from table(COLUMNS, rows)
    yield Family("node_disk_info", "gauge", "Info of /sys/block/<block_device>.", infos)


def _info(host: Host, name: str, major: str, minor: str) -> str:
    """Return the labels of one disk. The database of udev describes only the disks of this system."""
    known: dict[str, str] = {}
    if host.is_system:
        content = maybe_read_once(f"/run/udev/data/b{major}:{minor}") or b""
        for line in content.decode("utf-8", "replace").splitlines():
            if line.startswith(PROPERTY):
                key, _, value = line.removeprefix(PROPERTY).partition("=")
                known[key] = value
    rotational = maybe_read_once(host.sys("block", name.replace("/", "!"), "queue/rotational"))
    return labels(
        {
            "device": name,
            "major": major,
            "minor": minor,
            **{
                label: next((known[key] for key in keys if key in known), "")
                for label, keys in UDEV.items()
            },
            "rotational": text_of(rotational or b"0"),
        }
    )
