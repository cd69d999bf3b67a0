"""The limit on open descriptors, raised to what the settings may need (setrlimit(2), RLIMIT_NOFILE).

Most systems start a program with a soft limit of 1024, and allow it to raise that itself. A connection takes one
descriptor. Only the command line calls this: in another program, the limit is that program's decision.
"""

from __future__ import annotations

import resource

# Descriptors that are not for connections: up to 1024 files of processes and 512 of containers while a viewer wants
# these tables, and the other files of the collector, refused connections that linger, and files of libraries.
OTHERS = 1024 + 512 + 256


def maybe_raise_limit(connections: int) -> str | None:
    """Raise the soft limit to what ``connections`` connections may need, or as far as the hard limit allows.

    Return None if that is enough, and otherwise a sentence for the log.
    """
    needed = connections + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _is_enough(soft, needed):
        return None
    reached = needed if _is_enough(hard, needed) else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (reached, hard))
    if reached == needed:
        return None
    return (
        f"{connections} connections may need {needed} descriptors, but the limit of this process is {hard} "
        "(ulimit -Hn): some connections may be refused"
    )


def _is_enough(limit: int, needed: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= needed
