"""Filesystems, from the newest sample: a scrape never calls statvfs, which may block on a dead mount.

The rows are those of the section filesystems. Unlike with node_exporter, filesystems on a network, tmpfs and further
mounts of the same filesystem have none. Newer versions of node_exporter have a label device_error, which is empty
unless there is an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...metrics.sources.filesystem import Filesystem
from ..exposition import Column, Family, labels, table
from .host import Host

COLUMNS = tuple(
    Column(f"node_filesystem_{name}", "gauge", text)
    for name, text in (
        ("size_bytes", "Filesystem size in bytes."),
        ("free_bytes", "Filesystem free space in bytes."),
        ("avail_bytes", "Filesystem space available to non-root users in bytes."),
        ("files", "Filesystem total file nodes."),
        ("files_free", "Filesystem total free file nodes."),
        ("readonly", "Filesystem read-only status."),
        (
            "device_error",
            "Whether an error occurred while getting statistics for the given device.",
        ),
    )
)


def collect(host: Host) -> Iterator[Family]:
    """Yield the families of the section filesystems, if the sample has it."""
    found = host.sections.get("filesystems")
    rows: dict[str, tuple[float | None, ...]] = {}
    for row in found if isinstance(found, tuple) else ():
        if isinstance(row, Filesystem):
            of = labels(
                {
                    "device": row.device,
                    "fstype": row.fstype,
                    "mountpoint": row.mountpoint,
                    "device_error": "",
                }
            )
            size, used = row.size_bytes, row.used_bytes
            free = None if size is None or used is None else size - used
            failed = row.stale or size is None
            rows.setdefault(
                of,
                (
                    size,
                    free,
                    row.available_bytes,
                    row.inodes,
                    row.inodes_free,
                    row.read_only,
                    failed,
                ),
            )
    yield from table(COLUMNS, list(rows.items()))
