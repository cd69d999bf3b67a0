"""psutil, imported by whoever needs it first: it costs 15 ms and 4 MiB, and most hosts never do."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def load_psutil() -> Any:
    """The module. It has types of its own, but they change with its versions, so ours stay loose."""
    import psutil  # noqa: PLC0415 (see above)

    module: ModuleType = psutil
    return module
