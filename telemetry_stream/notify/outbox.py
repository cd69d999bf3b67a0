"""What one receiver has to get: which alerts it was notified of, and which changes are due (schedule.py: when).

Strategy. An entry for each alert has the present state and the state that was delivered last, and not a list of
messages: while a receiver is out of order, the changes of an alert merge, so the memory is bounded by the number of
alerts. An alert that fires and resolves meanwhile is delivered once, as resolved, with the number of times.

No clock, thread or file. One thread calls it. Times are in monotonic seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .by_scope import ByScope
from .channel import Capacity
from .choice import Choice, Pace
from .entry import Entry, Note, rank, restored
from .message import Alert, Event, Key, Kind, Message, fitting, key_of
from .schedule import Schedule

MAX_ENTRIES = 1000
# An end that could not be delivered for so long is not news any more. What still fires is never given up.
GIVE_UP_SECONDS = 6 * 3600.0
# A restored alert may be missing in the first samples of a run, because its rule has to be true for some time again. If
# nobody reports it until then, it has resolved.
RESTORED_SECONDS = 900.0
# A fall of the severity is not sent. A rise after it is, if it was lower for longer than this and the receiver's wait.
FALL_SECONDS = 60.0


class Outbox:
    """The state of one receiver. ``is_dirty`` is set when something has changed that a restart must remember."""

    def __init__(
        self,
        choice: Choice,
        pace: Pace,
        capacity: Capacity,
        *,
        started_at: float,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._choice = choice
        self._pace = pace
        self._capacity = capacity
        self._started_at = started_at
        self._restored_until = started_at + RESTORED_SECONDS
        self._entries: ByScope[Entry] = ByScope()
        self._left_out: ByScope[None] = ByScope()  # counted alerts beyond the limit
        self._in_flight: Message | None = None
        self._schedule = Schedule(pace.per_hour, uniform=uniform)
        self.dropped = 0  # events that were given up
        self.is_dirty = False

    @property
    def queued(self) -> int:
        """The number of alerts with a change that is not delivered."""
        return sum(entry.is_due for entry in self._entries.values())

    @property
    def is_sending(self) -> bool:
        return self._in_flight is not None

    def note(self, note: Note, now: float) -> None:
        """Take the state of a host."""
        for alert in note.passed:
            if self._choice.accepts(note.host_id, note.host_name, alert):
                self._note_firing(key_of(note.scope, alert), note, alert, now)
        seen: set[Key] = set()
        for alert in note.firing:
            if self._choice.accepts(note.host_id, note.host_name, alert):
                key = key_of(note.scope, alert)
                seen.add(key)
                self._note_firing(key, note, alert, now)
        for key in self._left_out.of(note.scope).keys() - seen:
            del self._left_out[key]
        resolved = {key_of(note.scope, alert): alert for alert in note.resolved}
        for key, entry in self._entries.of(note.scope).items():
            if key in seen or not entry.is_firing:
                continue
            if key in resolved:
                self._note_resolved(entry, resolved[key], now)
            elif not note.omitted and not entry.is_restored:
                self._note_resolved(entry, {**entry.alert, "state": "resolved"}, now)

    def _note_firing(self, key: Key, note: Note, alert: Alert, now: float) -> None:
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= MAX_ENTRIES:
                if key not in self._left_out and len(self._left_out) < MAX_ENTRIES:
                    self._left_out[key] = None
                    self.dropped += 1
                return
            begun_unix = alert["since_unix"]
            self._entries[key] = Entry(
                note.scope, note.host_id, note.host_name, alert, True, True, now, begun_unix
            )
            self.is_dirty = True
            return
        entry.is_firing, entry.is_restored = True, False
        if alert["since_unix"] != entry.alert["since_unix"]:
            entry.times += 1
            self.is_dirty = True
        entry.host_name = note.host_name
        self.is_dirty |= entry.note_alert(alert, now, max(FALL_SECONDS, self._pace.wait_seconds))
        was_due = entry.is_due
        if entry.is_higher():
            entry.note_due(now)
        else:
            # An end or a higher severity that was not delivered is over: the receiver still counts it as firing.
            entry.is_due = False
        self.is_dirty |= entry.is_due != was_due

    def _note_resolved(self, entry: Entry, alert: Alert, now: float) -> None:
        entry.is_firing, entry.alert = False, alert
        self.is_dirty = True
        if entry.sent is None:
            # What fired is not delivered yet: it will be, as resolved.
            self._renew(entry, now)
            return
        entry.is_due = False
        if self._pace.resolved:
            entry.note_due(now)
        else:
            del self._entries[entry.key]

    def _renew(self, entry: Entry, now: float) -> None:
        """Let the time until it is given up begin now, without a further wait."""
        entry.changed_at = max(entry.changed_at, now - self._pace.wait_seconds)

    def maybe_message(self, now: float, is_silenced: Callable[[Event], bool]) -> Message | None:
        """Return the next message if one is to be sent now; then ``note_sent`` or ``note_failure`` must follow."""
        if self._in_flight is not None:
            return None
        due = self._due(now, is_silenced)
        if self._schedule.message_at(due, now) > now:
            return None
        # One that waits for further alerts is sent with those that have waited, but a reminder not before its time.
        ready = [(at, event) for at, event in due if at <= now or event.kind != "reminder"]
        ready.sort(key=_order)
        events = [event for _, event in ready]
        chosen = fitting(events, self._capacity.events, self._capacity.characters)
        self._in_flight = Message(chosen)
        return self._in_flight

    def maybe_next_at(self, now: float, is_silenced: Callable[[Event], bool]) -> float | None:
        """Return when the next message is to be sent; None if something must happen before."""
        if self._in_flight is not None:
            return None
        due = self._due(now, is_silenced)
        found = [self._schedule.message_at(due, now)] if due else []
        if any(entry.is_restored and entry.is_firing for entry in self._entries.values()):
            found.append(self._restored_until)
        return min(found, default=None)

    def _due(self, now: float, is_silenced: Callable[[Event], bool]) -> list[tuple[float, Event]]:
        """Return all that is or will be due, with the times. What is given up, or silenced at its end, is removed."""
        found = []
        for key, entry in list(self._entries.items()):
            if entry.is_restored and entry.is_firing and now >= self._restored_until:
                self._note_resolved(entry, {**entry.alert, "state": "resolved"}, now)
                if key not in self._entries:
                    continue
            kind: Kind = "firing" if entry.is_firing else "resolved"
            at = entry.changed_at + self._pace.wait_seconds
            if not entry.is_due:
                if not self._pace.remind_seconds:
                    continue
                kind, at = "reminder", entry.sent_at + self._pace.remind_seconds
            event = Event(
                kind,
                key,
                entry.host_id,
                entry.host_name,
                entry.alert,
                entry.begun_unix,
                entry.times,
                entry.reminders + (kind == "reminder"),
            )
            is_covered = is_silenced(event)
            if entry.is_firing:
                if not is_covered:
                    found.append((at, event))
            elif is_covered or now - entry.changed_at > GIVE_UP_SECONDS:
                self.dropped += not is_covered
                del self._entries[key]
                self.is_dirty = True
            else:
                found.append((at, event))
        return found

    def note_sent(self, now: float) -> None:
        """The message in flight was delivered."""
        self._schedule.note_sent(now)
        self._note_notified(now)

    def note_failure(self, now: float, *, is_final: bool, retry_seconds: float) -> float:
        """The message in flight was not delivered. Return the seconds until the next attempt, which are random."""
        message = self._in_flight
        if is_final and message is not None:
            self.dropped += len(message.events)
            self._note_notified(now)
        self._in_flight = None
        return self._schedule.note_failure(now, retry_seconds)

    def _note_notified(self, now: float) -> None:
        """Note what the message in flight has notified the receiver of."""
        message, self._in_flight = self._in_flight, None
        for event in message.events if message else ():
            key = event.key
            entry = self._entries.get(key)
            if entry is None:
                continue
            entry.reminders = event.reminders
            if event.kind == "resolved" and entry.is_firing:  # it fires again
                entry.sent, entry.is_due, entry.changed_at = None, True, now
                entry.begun_unix = entry.alert["since_unix"]
                entry.times -= event.times
            else:
                self._note_severity(
                    key, entry, event.severity, now, was_resolved=event.kind == "resolved"
                )
        self.is_dirty = True

    def _note_severity(
        self, key: Key, entry: Entry, severity: str, now: float, *, was_resolved: bool
    ) -> None:
        """Note that the receiver was notified of an alert with this severity.

        ``was_resolved``: nothing more is to follow if it fires no longer.
        """
        self.is_dirty = True
        if not entry.is_firing and (was_resolved or not self._pace.resolved):
            del self._entries[key]
            return
        entry.sent, entry.sent_at = severity, now
        entry.is_due = False
        if not entry.is_firing or entry.is_higher():
            entry.note_due(now)

    def saved(self, unix_of: Callable[[float], float]) -> list[dict[str, Any]]:
        """Return what a restart must remember. ``unix_of`` converts a time."""
        return [entry.saved(unix_of) for entry in self._entries.values()]

    def restore(
        self, entries: Iterable[Mapping[str, Any]], time_of: Callable[[float], float]
    ) -> None:
        """Continue with what ``saved`` returned. Raises ValueError, TypeError or KeyError for another form."""
        for saved in entries:
            entry = restored(saved, time_of)
            self._renew(entry, self._started_at)  # the time between the runs does not count
            if self._accepts(entry):
                self._entries[entry.key] = entry

    def _accepts(self, entry: Entry) -> bool:
        """Return whether the receiver still gets an alert, or has to get the end of what it got."""
        alert, sent = entry.alert, entry.sent
        found = [alert, {**alert, "severity": sent}] if sent else [alert]
        return any(self._choice.accepts(entry.host_id, entry.host_name, one) for one in found)

    def take_over(self, other: Outbox) -> None:
        """Continue with the entries of an outbox of the same receiver, whose settings have changed."""
        self._entries.update(
            {key: one for key, one in other._entries.items() if self._accepts(one)}
        )
        self.is_dirty = True
        self._in_flight = other._in_flight
        self._schedule.take_over(other._schedule)
        self.dropped = other.dropped
        self._restored_until = other._restored_until


def _order(due: tuple[float, Event]) -> tuple[bool, bool, float, int]:
    """Return what is first in a message: what has begun, by severity, then ends, then the oldest reminders."""
    at, event = due
    is_reminder = event.kind == "reminder"
    return is_reminder, event.kind == "resolved", at if is_reminder else 0.0, rank(event.severity)
