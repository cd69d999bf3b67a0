"""Single numbers of the kernel: load, entropy, open files, hung tasks, SELinux (collectors loadavg, entropy, filefd,
kernel_hung and selinux).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from ...metrics.attributes import maybe_read_once
from ...metrics.counters import maybe_count
from ..exposition import Family, single
from .host import Host, maybe_number


def collect_loadavg(host: Host) -> Iterator[Family]:
    """Yield the load averages. Raises OSError or ValueError."""
    words = host.proc("loadavg").split()
    for minutes, word in zip((1, 5, 15), words, strict=False):
        yield single(f"node_load{minutes}", "gauge", f"{minutes}m load average.", float(word))


def collect_entropy(host: Host) -> Iterator[Family]:
    """Yield the state of the random number generator (random(4)). Raises OSError."""
    for name, file, text in (
        ("available", "entropy_avail", "Bits of available entropy."),
        ("pool_size", "poolsize", "Bits of entropy pool."),
    ):
        bits = maybe_number(host.proc(f"sys/kernel/random/{file}"))
        yield single(f"node_entropy_{name}_bits", "gauge", text, bits)


def collect_filefd(host: Host) -> Iterator[Family]:
    """Yield the open files of the host, and their limit (Documentation/admin-guide/sysctl/fs.rst). Raises OSError."""
    allocated, _, maximum = host.proc("sys/fs/file-nr").split()
    for name, word in (("allocated", allocated), ("maximum", maximum)):
        text = f"File descriptor statistics: {name}."
        yield single(f"node_filefd_{name}", "gauge", text, maybe_count(word))


def collect_kernel_hung(host: Host) -> Iterator[Family]:
    """Yield the tasks that were detected as hung (since Linux 6.13). Raises OSError."""
    count = maybe_number(host.proc("sys/kernel/hung_task_detect_count"))
    text = "Total number of tasks that have been detected as hung since the system booted."
    yield single("node_kernel_hung_tasks_total", "counter", text, count)


def collect_selinux(host: Host) -> Iterator[Family]:
    """Yield whether SELinux is enabled, and whether it enforces its rules."""
    directory = host.sys("fs/selinux")
    text = "SELinux is enabled, 1 is true, 0 is false"
    enforce = maybe_read_once(os.path.join(directory, "enforce"))
    yield single("node_selinux_enabled", "gauge", text, enforce is not None)
    if enforce is not None:
        text = "Current SELinux enforcement mode"
        yield single("node_selinux_current_mode", "gauge", text, maybe_number(enforce))
