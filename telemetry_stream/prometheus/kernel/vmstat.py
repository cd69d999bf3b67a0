"""All fields of /proc/vmstat. node_exporter serves only some of them by default (--collector.vmstat.fields)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..exposition import Fields
from .host import Host

LINE = re.compile(r"^(\w+) (\d{1,20})$", re.MULTILINE | re.ASCII)


def collect(host: Host) -> Iterator[Fields]:
    """Yield the fields. Raises OSError.

    They are untyped, since the file does not distinguish levels (nr_*) from counters.
    """
    found = LINE.findall(host.proc("vmstat").decode("ascii", "replace"))
    rows = [(name, int(digits)) for name, digits in found]
    yield Fields("node_vmstat_", "untyped", "/proc/vmstat information field", rows)
