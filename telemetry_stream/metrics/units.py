"""The machine's own units: never 100 and 4096 by heart (arm64 has pages of 64 KiB, some kernels tick at 1000 Hz)."""

from __future__ import annotations

import os

CLK_TCK: int = os.sysconf("SC_CLK_TCK")  # ticks per second in /proc/stat and /proc/PID/stat
PAGE_BYTES: int = os.sysconf("SC_PAGESIZE")
KIB = 1024  # what the kernel means by "kB" in /proc/meminfo
