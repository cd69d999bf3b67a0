"""Health of storage that consists of several devices: software RAID (raid.py), ZFS pools, btrfs.

    /proc/spl/kstat/zfs/tank/state           ONLINE
    /sys/fs/btrfs/UUID/devinfo/1/error_stats write_errs 0, read_errs 3, ... (Linux 5.14)

ZFS answers from memory, also for a pool that is suspended (spa_state_to_name in module/zfs/spa_misc.c); btrfs counts
errors in memory (fs/btrfs/sysfs.c). So no read waits for a disk, or wakes one. The health changes rarely, and most
hosts have none of them: it is read every 5 s, and looked for every 30 s.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Annotated

from .. import counters
from ..attributes import maybe_read_once, maybe_text, names_in, readable
from ..files import Files
from ..section import Field, OffPage, Part, Section
from ..setup import Setup
from ..source import SEARCH_SECONDS, Now, Source
from .raid import RaidArray, find_arrays, maybe_read_array

READ_SECONDS = 5.0
ERRORS = "Should be 0; btrfs device stats -z sets it back."


@dataclass(slots=True)
class Pool:
    """One pool of ZFS."""

    name: Annotated[str, Field("Its name.", prometheus="zpool", is_identity=True)]
    state: Annotated[
        str | None,
        "ONLINE, DEGRADED (works without a device), FAULTED, OFFLINE, REMOVED, UNAVAIL or SUSPENDED.",
    ]
    online: OffPage[
        Annotated[
            bool | None,
            Field(
                "Whether the state is ONLINE.",
                prometheus="node_zfs_zpool_state",
                label=("state", "online"),
            ),
        ]
    ]


@dataclass(slots=True)
class BtrfsDevice:
    """One device of a btrfs filesystem. Errors are counted since the filesystem was made, over all mounts."""

    uuid: Annotated[str, Field("The id of the filesystem.", is_identity=True)]
    device_id: Annotated[
        str,
        Field(
            "The number of the device in the filesystem, as in `btrfs filesystem show`.",
            is_identity=True,
        ),
    ]
    filesystem_label: Annotated[str | None, "The label of the filesystem. Null if it has none."]
    missing: Annotated[bool | None, "Whether the device is missing."]
    write_errors: Annotated[
        int | None,
        Field(
            f"Writes that failed. {ERRORS}",
            unit="errors",
            prometheus="node_btrfs_device_errors_total",
            label=("type", "write"),
            is_counter=True,
        ),
    ]
    read_errors: Annotated[
        int | None,
        Field(
            f"Reads that failed. {ERRORS}",
            unit="errors",
            prometheus="node_btrfs_device_errors_total",
            label=("type", "read"),
            is_counter=True,
        ),
    ]
    flush_errors: Annotated[
        int | None,
        Field(
            f"Flushes that failed. {ERRORS}",
            unit="errors",
            prometheus="node_btrfs_device_errors_total",
            label=("type", "flush"),
            is_counter=True,
        ),
    ]
    corruption_errors: Annotated[
        int | None,
        Field(
            f"Blocks with a wrong checksum. {ERRORS}",
            unit="errors",
            prometheus="node_btrfs_device_errors_total",
            label=("type", "corruption"),
            is_counter=True,
        ),
    ]
    generation_errors: Annotated[
        int | None,
        Field(
            f"Blocks that are older than they should be. {ERRORS}",
            unit="errors",
            prometheus="node_btrfs_device_errors_total",
            label=("type", "generation"),
            is_counter=True,
        ),
    ]


@dataclass(slots=True)
class StorageHealth:
    """What the kernel reports about its arrays, pools and filesystems."""

    arrays: Annotated[
        tuple[RaidArray, ...],
        Part(
            text="Each array of software RAID (md).",
            files="/sys/block/md*/md",
            prometheus="telemetry_stream_md",
        ),
    ]
    pools: Annotated[
        tuple[Pool, ...],
        Part(
            text="Each pool of ZFS.",
            files="/proc/spl/kstat/zfs/*/state",
            prometheus="telemetry_stream_zfs_pool",
        ),
    ]
    btrfs: Annotated[
        tuple[BtrfsDevice, ...],
        Part(
            text="Each device of each mounted btrfs filesystem. Errors are counted since the filesystem was made.",
            files="/sys/fs/btrfs/*/devinfo",
            prometheus="telemetry_stream_btrfs_device",
            nulls="The errors are null before Linux 5.14.",
        ),
    ]


class StorageSource:
    """Section ``storage``."""

    name = "storage"

    def __init__(self, files: Files) -> None:
        self._sys_root = files.sys_root
        self._zfs = os.path.join(files.proc_root, "spl/kstat/zfs")
        self._btrfs = os.path.join(files.sys_root, "fs/btrfs")
        self._search_at = -math.inf
        self._read_at = math.inf
        self._arrays: list[str] = []  # directories
        self._pools: list[str] = []  # names
        # Directories of a btrfs filesystem and of one of its devices.
        self._devices: list[tuple[str, str]] = []
        self._section: StorageHealth | None = None

    def collect(self, now: Now) -> StorageHealth | None:
        """Return None on a host that has none of these."""
        if now.monotonic >= self._search_at:
            self._search_at = now.monotonic + SEARCH_SECONDS
            self._arrays = find_arrays(self._sys_root)
            self._pools = [
                name for name in names_in(self._zfs) if os.path.exists(f"{self._zfs}/{name}/state")
            ]
            self._devices = _find_btrfs(self._btrfs)
            found = bool(self._arrays or self._pools or self._devices)
            self._read_at = now.monotonic if found else math.inf
            self._section = None
        if now.monotonic >= self._read_at:
            self._read_at = now.monotonic + READ_SECONDS
            self._section = self._maybe_read()
        return self._section

    def _maybe_read(self) -> StorageHealth | None:
        """Read everything that was found. What is gone meanwhile is left out."""
        arrays = [maybe_read_array(directory) for directory in self._arrays]
        contents = [(name, maybe_read_once(f"{self._zfs}/{name}/state")) for name in self._pools]
        section = StorageHealth(
            tuple(array for array in arrays if array is not None),
            tuple(read_pool(name, content) for name, content in contents if content is not None),
            tuple(
                read_btrfs_device(filesystem, device)
                for filesystem, device in self._devices
                if os.path.isdir(device)
            ),
        )
        return section if section.arrays or section.pools or section.btrfs else None


def read_pool(name: str, content: bytes) -> Pool:
    """Return a pool of ZFS, from the content of its file ``state``."""
    state = maybe_text(content)
    return Pool(readable(name), state, None if state is None else state == "ONLINE")


def read_btrfs_device(filesystem: str, device: str) -> BtrfsDevice:
    """Return a device of a btrfs filesystem, each by its directory in sysfs."""
    errors = parse_error_stats(maybe_read_once(f"{device}/error_stats") or b"")
    missing = maybe_text(maybe_read_once(f"{device}/missing"))
    return BtrfsDevice(
        readable(os.path.basename(filesystem)),
        readable(os.path.basename(device)),
        maybe_text(maybe_read_once(f"{filesystem}/label")),
        {"0": False, "1": True}.get(missing or ""),
        *(errors.get(f"{kind}_errs") for kind in ERROR_KINDS),
    )


# In the order of the fields.
ERROR_KINDS = ("write", "read", "flush", "corruption", "generation")


def parse_error_stats(content: bytes) -> dict[str, int | None]:
    """Return the counts of ``write_errs 0`` and the other lines. A word that is not a count is None."""
    words = [line.split() for line in content.decode("ascii", "replace").split("\n")]
    return {pair[0]: counters.maybe_count(pair[1].encode()) for pair in words if len(pair) == 2}


def _find_btrfs(root: str) -> list[tuple[str, str]]:
    """Return the directories of each filesystem and each of its devices. Other directories there have no devices."""
    return [
        (f"{root}/{uuid}", f"{root}/{uuid}/devinfo/{number}")
        for uuid in names_in(root)
        for number in names_in(f"{root}/{uuid}/devinfo")
    ]


SECTIONS = (
    Section(
        StorageSource,
        StorageHealth,
        title="Storage health",
        text="Software RAID, ZFS pools and btrfs devices. Read every 5 s.",
        files="/sys/block/md*/md, /proc/spl/kstat/zfs, /sys/fs/btrfs",
    ),
)


def build(setup: Setup) -> tuple[Source, ...]:
    """Return the sources of this module."""
    return (StorageSource(setup.files),)
