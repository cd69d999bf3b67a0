"""Units of the machine. Pages have 64 KiB on some arm64 systems, and the kernel's clock tick differs, too."""

from __future__ import annotations

import os

CLK_TCK: int = os.sysconf("SC_CLK_TCK")  # ticks per second in /proc/stat and /proc/PID/stat
PAGE_BYTES: int = os.sysconf("SC_PAGESIZE")
KIB = 1024  # the "kB" of /proc/meminfo
