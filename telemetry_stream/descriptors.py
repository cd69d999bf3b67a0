"""Descriptors: as many as the settings may need, if the system lets us have them (setrlimit(2), RLIMIT_NOFILE).

Most systems start a program with 1024, of which each connection takes one, and let it raise that itself. Only the
command line does so: in another program it is that program's affair.
"""

from __future__ import annotations

import resource

# Beside connections: up to 1024 files of processes while somebody looks at them, and the collector's other kept files,
# refused connections that linger, and what libraries hold.
OTHERS = 1024 + 256


def maybe_raise_limit(connections: int) -> str | None:
    """Make room for so many connections; a sentence if there cannot be."""
    needed = connections + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_enough(soft, needed):
        return None
    reached = needed if _is_enough(hard, needed) else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (reached, hard))
    if reached == needed:
        return None
    return (
        f"{connections} connections may need {needed} descriptors, and this process may have {hard} (ulimit -Hn): "
        f"some will be refused before"
    )


def _is_enough(limit: int, needed: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= needed
