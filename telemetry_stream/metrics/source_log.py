"""What the log has about sources: that one failed, or works again, at most one line per source and minute.

So a flapping source, or one with another reason in each tick, does not fill the log. Other changes of state are logged
for debugging only.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from .sample import State

log = logging.getLogger(__name__)

QUIET_SECONDS = 60.0


class SourceLog:
    """Logs the states of all sources. The collecting thread uses it.

    ``noted`` has the sources whose state must be noted even if it is ok: those that are not, and those that were not
    within the last minute.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        # The state and the reason that were logged last, and when.
        self.noted: dict[str, tuple[State, str | None, float]] = {}
        # Of each source: the type of the exception whose traceback was logged last.
        self._traced: dict[str, type[BaseException]] = {}

    def note(
        self, name: str, state: State, reason: str | None, error: BaseException | None = None
    ) -> None:
        """Note the state of a source. ``error`` is logged with its traceback, once per source and type."""
        before, reason_before, logged_at = self.noted.get(name, ("ok", None, -math.inf))
        if state == before and reason == reason_before:  # mostly: absent as always
            if state == "ok" and self._monotonic() >= logged_at + QUIET_SECONDS:
                del self.noted[name]
            return
        now = self._monotonic()
        recovery = logging.DEBUG if _maybe_level(before, reason_before) is None else logging.INFO
        level = _maybe_level(state, reason) or recovery
        if level > logging.DEBUG:
            if now < logged_at + QUIET_SECONDS:
                return
            logged_at = now
        traced = None if error is None or type(error) is self._traced.get(name) else error
        if traced is not None:
            self._traced[name] = type(traced)
        because = f" ({reason})" if reason else ""
        log.log(level, "Source %s: %s%s", name, state, because, exc_info=traced)
        self.noted[name] = state, reason, logged_at


def _maybe_level(state: State, reason: str | None) -> int | None:
    """Return how a failure is logged, or None if it is not one. A stale filesystem is not, a slow source is."""
    if state == "stale" and reason is not None:
        return logging.WARNING
    return {"failed": logging.ERROR, "psutil": logging.WARNING}.get(state)
