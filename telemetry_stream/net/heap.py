"""Returns memory that many connections have used to the system.

glibc keeps freed memory that is not at the end of a heap (malloc_trim(3)). After 900 readers of a history had left,
14 of 28 MiB were such memory.
"""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

# So many connections must have ended since the last time. For fewer, the call is not worth its milliseconds.
WORTHWHILE_CONNECTIONS = 100


class Trimmer:
    """Notices when a crowd has left. The caller serialises the calls of ``is_due``."""

    def __init__(self) -> None:
        self._most = 0

    def is_due(self, count: int) -> bool:
        """Record the number of open connections; return whether three quarters of a crowd have left."""
        self._most = max(self._most, count)
        if count > self._most // 4 or self._most - count < WORTHWHILE_CONNECTIONS:
            return False
        self._most = count
        return True


def trim() -> None:
    """Return free memory to the system, if the C library can. Does not hold the interpreter meanwhile."""
    try:
        import ctypes  # noqa: PLC0415 (0.2 MiB, for programs that had a crowd)

        maybe_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    except (ImportError, MemoryError, OSError) as error:  # such as a limit of descriptors
        log.debug("Free memory is not returned to the system: %s", error)
        return
    if maybe_trim is not None:
        maybe_trim(0)
