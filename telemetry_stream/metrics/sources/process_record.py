"""The record of one process, made of a row of the process table.

100 percent of CPU is one core (the Irix mode of top). Memory is resident memory with shared pages in full, so the
sum may exceed the memory of the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from .. import counters, rates
from ..section import Field
from ..units import CLK_TCK, PAGE_BYTES
from .cpu_shares import MARGIN_SHARE, MARGIN_TICKS
from .process_details import Detail
from .process_table import Row
from .system import BOOT_SECONDS

# More cores than a kernel supports (NR_CPUS_RANGE_END of x86 and arm64).
MOST_CORES = 8192


@dataclass(slots=True)
class Process:
    """One process."""

    pid: Annotated[int, Field("The process number.", unit="number", is_identity=True)]
    name: Annotated[str, Field("The kernel's name, of at most 15 bytes.", is_identity=True)]
    user: Annotated[
        str | None,
        "The owner, by the host's own passwd file; the number if the file does not have it, or has not been read yet. "
        "Null if the process has just ended.",
    ]
    state: Annotated[
        str,
        "The kernel's letter. R runs, S sleeps, D waits for a disk and cannot be killed, T is stopped, Z has ended and "
        "its parent has not waited for it, I is an idle kernel thread.",
    ]
    cpu_percent: Annotated[
        float | None,
        "Time on a core since the sample before, of all threads together, without children. 100 is one core.",
    ]
    cpu_percent_of_host: Annotated[
        float | None, Field("cpu_percent divided by the online cores.", title="cpu of host")
    ]
    memory_rss_bytes: Annotated[
        int | None,
        Field(
            "Resident memory. Shared pages count in full, so the sum may exceed the memory of the host. Of a process "
            "that has not run, it may be that of up to nine samples before. Null if it alone exceeds the memory.",
            title="memory",
        ),
    ]
    memory_percent: Annotated[float | None, "100 × resident / total memory."]
    threads: Annotated[int | None, Field("Number of threads.", unit="threads")]
    started_at: Annotated[
        float | None,
        Field(
            "When it began. Changes if the system time is set. Null if /proc/stat shows another boot than that of the "
            "kernel (lxcfs), or if it is in the future.",
            unit="seconds since 1970",
        ),
    ]
    command: Annotated[
        str | None,
        "The command line, of at most 1024 characters, if `process_arguments` is `full`; only the program with its "
        "path if it is `name`. Null if it is `none`, which is the default, and for threads of the kernel.",
    ] = None
    unit: Annotated[
        str | None,
        "The systemd unit, such as `ssh.service`; for a process in a container the runtime and the beginning of the "
        "id, such as `docker 3f2ab1c05d6e`. Null if the process is in neither.",
    ] = None
    read_bytes_per_second: Annotated[
        float | None,
        Field(
            "Bytes that it caused to be fetched from storage. Null if this program is neither of the same user nor has "
            "CAP_SYS_PTRACE.",
            title="read",
        ),
    ] = None
    write_bytes_per_second: Annotated[
        float | None,
        Field(
            "Bytes that it caused to be sent to storage. Null as for `read_bytes_per_second`.",
            title="written",
        ),
    ] = None


@dataclass(slots=True)
class Facts:
    """What the figures of a process are relative to. None: unknown."""

    cores: int | None
    total_bytes: int | None
    boot_time_unix: float | None
    boottime: float | None = None  # now, in seconds since boot


def process(pid: int, row: Row, user: str | None, facts: Facts, seconds: float | None) -> Process:
    """Return one row of the section."""
    boot, cores = facts.boot_time_unix, facts.cores
    used = None if row.used is None else row.used / CLK_TCK
    # All its threads together cannot use more than all cores.
    if used is not None and seconds is not None:
        most = MARGIN_SHARE * seconds * (cores or MOST_CORES) + MARGIN_TICKS / CLK_TCK
        used = None if used > most else used
    # A page that a process maps several times counts each time, so that the count may exceed the memory.
    rss = None if row.rss is None else counters.at_most(row.rss * PAGE_BYTES, facts.total_bytes)
    started = row.starttime / CLK_TCK
    if facts.boottime is not None and started > facts.boottime + BOOT_SECONDS:
        boot = None  # Nothing began in the future.
    return Process(
        pid=pid,
        name=row.comm.decode("utf-8", "replace"),
        user=user,
        state=row.state,
        cpu_percent=rates.unbounded_percent(used, seconds),
        cpu_percent_of_host=(
            None if cores is None or seconds is None else rates.percent(used, seconds * cores)
        ),
        memory_rss_bytes=rss,
        memory_percent=rates.percent(rss, facts.total_bytes),
        threads=row.threads,
        started_at=None if boot is None else round(boot + started, 2),
    )


def add_detail(record: Process, detail: Detail | None) -> None:
    """Add what is known of the process beside its stat."""
    if detail is not None:
        record.command, record.unit = detail.command, detail.unit
        record.read_bytes_per_second, record.write_bytes_per_second = detail.io_rates
