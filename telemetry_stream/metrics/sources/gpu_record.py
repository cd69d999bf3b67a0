"""The row of a GPU, and what reads it: a reader for each driver (nvidia.py, drm.py)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Protocol

from ..attributes import maybe_read_once
from ..section import Field, Part

MAX_PROCESSES = 30
ACTIVE, ASLEEP, LOST, UNREADABLE = "active", "asleep", "lost", "unreadable"


@dataclass(slots=True)
class GpuProcess:
    """One process that uses a GPU."""

    pid: Annotated[int, Field("The process number.", unit="number", is_identity=True)]
    name: Annotated[str | None, "The kernel's name, of at most 15 bytes. Null if it has ended."]
    usage_percent: Annotated[
        float | None, "Use of the busiest kind of engine by this process. Null if unknown."
    ]
    memory_bytes: Annotated[
        int | None, Field("Memory of the GPU that it uses. Null if unknown.", title="memory")
    ]


@dataclass(slots=True)
class Gpu:
    """One GPU."""

    id: Annotated[
        str,
        Field("The PCI address, or the name of the device.", is_identity=True, prometheus="gpu"),
    ]
    name: Annotated[str | None, "The model; null if unknown."]
    driver: Annotated[str, "nvidia, amdgpu, i915 or xe."]
    state: Annotated[
        str,
        "active; asleep: not read, so that it stays asleep; lost: it does not answer any more and needs a reset or a "
        "reboot; unreadable: the driver or its library refuses, and the log has the reason.",
    ]
    usage_percent: Annotated[
        float | None,
        "Share of time in which it worked. Of Intel, the use of the busiest kind of engine by the processes of this "
        "/proc; null unless this program may read the fdinfo of all of them.",
    ] = None
    memory_used_bytes: Annotated[
        int | None, Field("Memory of the card in use.", title="memory")
    ] = None
    memory_total_bytes: Annotated[
        int | None,
        Field("Memory of the card. Null if it shares that of the host.", title="memory size"),
    ] = None
    memory_busy_percent: Annotated[
        float | None,
        Field("Share of time in which its memory was read or written.", title="memory controller"),
    ] = None
    encoder_percent: Annotated[
        float | None, Field("Use of its video encoder.", title="encoder")
    ] = None
    decoder_percent: Annotated[
        float | None, Field("Use of its video decoder.", title="decoder")
    ] = None
    celsius: Annotated[float | None, Field("Temperature of the chip.", title="temperature")] = None
    slowdown_celsius: Annotated[
        float | None, "Temperature at which it slows down; null if unknown."
    ] = None
    watts: Annotated[float | None, Field("Power of the card.", title="power")] = None
    limit_watts: Annotated[
        float | None, Field("The most power that it may use.", title="power limit")
    ] = None
    clock_mhz: Annotated[float | None, Field("Clock of the cores.", title="clock")] = None
    memory_clock_mhz: Annotated[
        float | None, Field("Clock of the memory.", title="memory clock")
    ] = None
    fan_percent: Annotated[
        float | None, Field("Speed of the fan that the driver requests.", title="fan")
    ] = None
    is_throttled: Annotated[
        bool | None,
        Field("Whether its clock is lower than the work needs.", title="throttled"),
    ] = None
    throttle_reasons: Annotated[
        str | None,
        "Why, separated by commas: power, temperature, hardware, ... Empty if nothing slows it down; null if unknown.",
    ] = None
    processes: Annotated[
        tuple[GpuProcess, ...] | None,
        Part(
            text="The processes that use it, at most 30, those with the most memory. Null if unknown.",
            files="NVML, /proc/PID/fdinfo",
            nulls="Of AMD and Intel, only processes whose fdinfo this program may read are listed: its own user's, or "
            "all with CAP_SYS_PTRACE.",
        ),
    ] = None
    age_seconds: Annotated[
        float | None, "Time since it was read. An idle GPU that may fall asleep is read every 30 s."
    ] = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing uses it, as far as that is known. A clock of 0 MHz is that of an idle Intel GPU."""
        return not self.usage_percent and (self.usage_percent is not None or not self.clock_mhz)


class Reader(Protocol):
    """Reads one device. Only one worker at a time uses it."""

    def read(self) -> Gpu:
        """Return the row. Raises any exception if the device is unreadable."""
        ...

    def release(self) -> None:
        """Close everything that would keep the device awake. ``read`` may be called again."""
        ...


def process_name(proc_root: str, pid: int) -> str | None:
    """Return the kernel's name of a process, or None if it has ended."""
    content = maybe_read_once(os.path.join(proc_root, str(pid), "comm"))
    return None if content is None else content.decode("utf-8", "replace").rstrip("\n") or None


class LostError(Exception):
    """The device does not answer any more."""


class NotHereError(Exception):
    """The device belongs to the host, but not to this container."""
