"""Silences: which alerts notify nobody, until when, and who decided so. Each has an end.

Times are those of the wall clock, because a silence survives a restart.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..alerts.rule import SEVERITIES
from .choice import is_match
from .message import Event

MAX_SILENCES = 100
MAX_SECONDS = 366 * 86_400
MAX_CHARACTERS = 200  # of each text
MAX_LABELS = 8


class SilenceError(ValueError):
    """A silence cannot be added: one sentence with what is allowed."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which alerts: each part that is not empty must match. Patterns are those of fnmatch."""

    rule: str = ""
    severity: str = ""
    host: str = ""  # id or name
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = self.labels
        if not (self.rule or self.severity or self.host or labels):
            raise SilenceError("name a rule, a severity, a host or a label (rule=* for all alerts)")
        if self.severity and self.severity not in SEVERITIES:
            raise SilenceError(f"severity must be one of {', '.join(SEVERITIES)}")
        if len(labels) > MAX_LABELS:
            raise SilenceError(f"at most {MAX_LABELS} labels are allowed")
        for text in (self.rule, self.host, *labels, *labels.values()):
            if len(text) > MAX_CHARACTERS or not text.isprintable():
                raise SilenceError(
                    f"a text must have at most {MAX_CHARACTERS} printable characters"
                )

    def matches(self, host_id: str, host_name: str, alert: Mapping[str, Any]) -> bool:
        """Return whether an alert of a host matches."""
        return self.severity in ("", alert["severity"]) and is_match(
            host_id,
            host_name,
            alert,
            rules=(self.rule,) if self.rule else (),
            hosts=(self.host,) if self.host else (),
            labels=self.labels,
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence, as the API has it. ``by`` is the name of the token, or "" without tokens."""

    id: str
    matcher: Matcher
    created_unix: float
    until_unix: float
    by: str
    comment: str

    def report(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found = asdict(self)
        return {
            "id": self.id,
            **found.pop("matcher"),
            **{k: v for k, v in found.items() if k != "id"},
        }


class Silences:
    """All silences of one program. Any thread may call it. ``_lock`` guards changes of ``_all``, an immutable tuple.

    ``version`` changes with each silence that is added or removed; then ``on_change`` is called.
    """

    def __init__(
        self, on_change: Callable[[], object], wall: Callable[[], float] = time.time
    ) -> None:
        self._on_change = on_change
        self._wall = wall
        self._lock = threading.Lock()
        self._all: tuple[Silence, ...] = ()
        self.version = 0

    def current(self) -> tuple[Silence, ...]:
        """Return those that have not ended."""
        now = self._wall()
        return tuple(silence for silence in self._all if silence.until_unix > now)

    def add(self, matcher: Matcher, seconds: float, *, by: str, comment: str) -> Silence:
        """Add one. Raises SilenceError if there are too many, or its end or comment is not allowed."""
        if not 1 <= seconds <= MAX_SECONDS:
            raise SilenceError(f"it must last from 1 to {MAX_SECONDS} seconds")
        if len(comment) > MAX_CHARACTERS or not comment.isprintable():
            raise SilenceError(f"a comment must have at most {MAX_CHARACTERS} printable characters")
        now = self._wall()
        silence = Silence(secrets.token_hex(4), matcher, now, now + seconds, by, comment)
        with self._lock:
            kept = self.current()
            if len(kept) >= MAX_SILENCES:
                raise SilenceError(f"there are {MAX_SILENCES} silences already; remove one")
            self._all = (*kept, silence)
            self.version += 1
        self._on_change()
        return silence

    def remove(self, silence_id: str) -> bool:
        """Remove one. Return whether it was there."""
        with self._lock:
            kept = tuple(silence for silence in self.current() if silence.id != silence_id)
            is_known = len(kept) < len(self.current())
            self._all = kept
            self.version += 1
        self._on_change()
        return is_known

    def cover(self, event: Event) -> bool:
        """Return whether an event is silenced now."""
        return self.matches(event.host_id, event.host_name, event.alert)

    def matches(self, host_id: str, host_name: str, alert: Mapping[str, Any]) -> bool:
        """Return whether an alert of a host is silenced now."""
        return any(one.matcher.matches(host_id, host_name, alert) for one in self.current())

    def maybe_next_end_seconds(self) -> float | None:
        """Return the seconds until the next silence ends, None if there is none."""
        now = self._wall()
        return min((silence.until_unix - now for silence in self.current()), default=None)

    def saved(self) -> list[dict[str, Any]]:
        """Return what a restart must remember."""
        return [silence.report() for silence in self.current()]

    def restore(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Continue with what ``saved`` returned. Raises ValueError, TypeError or KeyError for another form."""
        found = []
        for entry in list(entries)[:MAX_SILENCES]:
            texts = [entry[name] for name in ("id", "rule", "severity", "host", "by", "comment")]
            labels = dict(entry["labels"])
            if not all(isinstance(text, str) for text in (*texts, *labels.values())):
                raise ValueError("a silence of a wrong form")
            matcher = Matcher(entry["rule"], entry["severity"], entry["host"], labels)
            times = float(entry["created_unix"]), float(entry["until_unix"])
            found.append(Silence(entry["id"], matcher, *times, entry["by"], entry["comment"]))
        with self._lock:
            self._all = tuple(found)
