"""What a source returns when its section is older than it should be, since something that it asked hangs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stale:
    """The newest section there is, and its age. The sample says so with the state ``stale``."""

    section: object
    age_seconds: float | None
