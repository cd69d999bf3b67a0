"""Software RAID from /sys/block/md*/md (Documentation/admin-guide/md.rst).

    array_state clean    level raid5    raid_disks 3    degraded 1
    sync_action recover    sync_completed 1234 / 5678    sync_speed 81920
    dev-sdb1/state in_sync    dev-sdb1/slot 1

/proc/mdstat has the same numbers as a text for people; until Linux 4.1, reading it waits for an array that is being
stopped. The attributes are in memory: reading them starts no request to a disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..attributes import maybe_read_once, maybe_text, names_in, readable
from ..section import Field, OffPage, Part
from ..units import KIB

SECTOR_BYTES = 512
IDLE = "idle"


@dataclass(slots=True)
class Member:
    """One block device of an array."""

    name: Annotated[
        str, Field("The kernel's name of the device, often a partition.", is_identity=True)
    ]
    state: Annotated[
        str | None,
        "active, rebuilding, spare, failed, or journal (the log of raid5). Null if it cannot be read.",
    ]


@dataclass(slots=True)
class RaidArray:
    """One md device."""

    name: Annotated[str, Field("The kernel's name.", prometheus="device", is_identity=True)]
    level: Annotated[str | None, "raid0, raid1, raid5, raid10, linear, container or another level."]
    state: Annotated[
        str | None,
        "clean, active, active-idle, write-pending, read-auto, readonly, suspended, inactive, clear or broken.",
    ]
    required: Annotated[
        int | None,
        Field(
            "Devices of the complete array, without spares.",
            unit="devices",
            prometheus="node_md_disks_required",
        ),
    ]
    active: Annotated[
        int | None,
        Field(
            "Devices in use that are up to date.",
            unit="devices",
            prometheus="node_md_disks",
            label=("state", "active"),
        ),
    ]
    failed: OffPage[
        Annotated[
            int | None,
            Field(
                "Devices that the kernel no longer uses because of errors. Should be 0.",
                unit="devices",
                prometheus="node_md_disks",
                label=("state", "failed"),
            ),
        ]
    ]
    spare: OffPage[
        Annotated[
            int | None,
            Field(
                "Devices that wait to replace a failed one.",
                unit="devices",
                prometheus="node_md_disks",
                label=("state", "spare"),
            ),
        ]
    ]
    degraded: Annotated[
        int | None,
        Field(
            "Devices that are missing or not yet up to date. Should be 0. Null for levels without redundancy.",
            unit="devices",
            title="missing",
            prometheus="node_md_degraded",
        ),
    ]
    sync_action: Annotated[
        str | None,
        "idle, resync, recover (a device is rebuilt), check, repair, reshape or frozen. Null for levels without "
        "redundancy.",
    ]
    sync_percent: Annotated[
        float | None, "How much of the sync action is done. Null while there is none."
    ]
    sync_bytes_per_second: Annotated[
        float | None, "Speed of the sync action. Null while there is none."
    ]
    sync_left_seconds: Annotated[
        float | None, "Time until the end of the sync action at its present speed."
    ]
    members: Annotated[
        tuple[Member, ...], Part(text="Its devices. A device that was removed is not among them.")
    ]


def find_arrays(sys_root: str) -> list[str]:
    """Return the directories of all md devices, sorted."""
    block = os.path.join(sys_root, "block")
    directories = [os.path.join(block, name) for name in names_in(block) if name.startswith("md")]
    return [directory for directory in directories if os.path.isdir(f"{directory}/md")]


def maybe_read_array(directory: str) -> RaidArray | None:
    """Return the array of a directory in /sys/block, or None if it is gone."""

    def read(name: str) -> str | None:
        return maybe_text(maybe_read_once(f"{directory}/md/{name}"))

    try:
        entries = sorted(os.listdir(f"{directory}/md"))
    except OSError:
        return None
    members = tuple(
        Member(
            _shown(name.removeprefix("dev-")),
            member_state(
                read(f"{name}/state"),
                read(f"{name}/slot"),
            ),
        )
        for name in entries
        if name.startswith("dev-")
    )
    states = [member.state for member in members]
    known = None not in states
    action = read("sync_action")
    done, whole = parse_completed(read("sync_completed") if action not in (None, IDLE) else None)
    speed = maybe_number(read("sync_speed"), counters.BYTES.per_second / KIB) if whole else None
    left = None if whole is None or done is None else (whole - done) * SECTOR_BYTES
    return RaidArray(
        _shown(os.path.basename(directory)),
        read("level"),
        read("array_state"),
        maybe_number(read("raid_disks"), counters.MOST_INT),
        states.count("active") if known else None,
        states.count("failed") if known else None,
        states.count("spare") if known else None,
        maybe_number(read("degraded"), counters.MOST_INT),
        action,
        rates.percent(done, whole),
        None if speed is None else float(speed * KIB),
        rates.quotient(left, speed * KIB) if speed else None,
        members,
    )


def member_state(state: str | None, slot: str | None) -> str | None:
    """Return the state of a member in a word. The kernel has several flags, separated by commas.

    A device that is being rebuilt has a slot in the array and is not in sync.
    """
    if state is None:
        return None
    flags = state.split(",")
    if "faulty" in flags:
        return "failed"
    if "journal" in flags:
        return "journal"
    if "in_sync" in flags:
        return "active"
    return "spare" if slot in (None, "none") else "rebuilding"


def parse_completed(text: str | None) -> tuple[int | None, int | None]:
    """Return the sectors that are done, and all sectors, of ``1234 / 5678``. Both are None for another text."""
    first, _, second = (text or "").partition("/")
    done = maybe_number(first, counters.NEGATIVE_FROM)
    whole = maybe_number(second, counters.NEGATIVE_FROM)
    return (done, whole) if done is not None and whole and done <= whole else (None, None)


def maybe_number(text: str | None, most: float) -> int | None:
    """Return the first word as a number: during a reshape, ``raid_disks`` is ``4 (3)``."""
    words = (text or "").split()
    return counters.maybe_count(words[0].encode(), int(most)) if words else None


def _shown(name: str) -> str:
    """Return a name of a directory as the kernel's name of the device, which may contain a slash."""
    return readable(name).replace("!", "/")
