"""One host of a front end: what its remote reports to, its record, and its row in the overview.

The threads of the remote only keep what they receive. It is decoded when the owner requests a new row, once per second
for all hosts, or when something else than vitals is reported.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from ..alerts.hosts import WatchedHost
from ..stream.received import ReceivedError, ReceivedSample
from .alerts import UNKNOWN, Alert, Alerts, merged, newly_resolved, outdated
from .mirror import Mirror
from .overview import Entry, Row
from .record import Record, State
from .remote import Dropped, ForeignHostError, Identity, Link, Remote, Vitals

# Of the alerts of a host that are decoded: 1 ms per second. A large message after another one waits some seconds.
ALERTS_BYTES_PER_SECOND = 4096
MAX_PENDING = 32  # messages of a host in a second; the shortest interval is 0.1 s


class Owner(Protocol):
    """The table that a host belongs to."""

    monotonic: Callable[[], float]
    realtime: Callable[[], float]

    def resolve(self, host: Host, identity: Identity) -> tuple[str | None, bool]:
        """Return why the host is a duplicate (None: it is not), and whether its data may be read."""

    def note_dropped(self, why: Dropped) -> None: ...


class Host:
    """One host of the table: what its remote reports to.

    ``_lock`` guards the record, and makes each report one step.
    """

    def __init__(self, number: int, key: str, remote: Remote | None, owner: Owner) -> None:
        self.number = number
        self.key = key
        self.id = key  # that of its hello, as soon as it is known and no other host has it
        self.remote = remote
        self.mirror: Mirror | None = None
        self.row: Row | None = None
        self.watched: WatchedHost | None = None
        self._entry_of: Identity | None = None  # the identity that the row's entry is made of
        self.known_alerts = UNKNOWN  # its own, and those that this front end has found
        self._received_alerts = UNKNOWN
        self._found_alerts: Sequence[Alert] = ()
        self._is_heard = False
        self._is_refused = False  # by the last hello, and the next one is not requested yet
        self._alerts_due_at = 0.0  # when the next ones are decoded
        self._pending_alerts: tuple[str, Callable[[str], Alerts | None]] | None = None
        self._owner = owner
        self._lock = threading.Lock()
        self._record = Record(owner.monotonic())
        # Messages with vitals, how to parse each, and when it came: by the monotonic clock and the wall clock.
        self._pending: deque[tuple[str, Callable[[str], Vitals | None], float, float]] = deque(
            maxlen=MAX_PENDING
        )

    # Reports of the remote.

    def identified(self, identity: Identity) -> bool:
        self._note_pending()
        conflict, may_read = self._owner.resolve(self, identity)
        with self._lock:
            before = self._record.identity
            self._record.note_identity(identity)
            self._record.conflict, self._record.may_read = conflict, may_read
            self._is_refused = not may_read
            self._pending_alerts = None  # of the connection before
            # A hello of a broker has none. Those of the same run are still true. Those of the run before may have been
            # saved, so they stay until the new run reports its own.
            if identity.alerts.firing is not None:
                self._received_alerts = identity.alerts
            elif before is not None and before.stream != identity.stream:
                self._received_alerts = outdated(self._received_alerts)
            self._settle_alerts_locked()
        return may_read

    def vitals(self, text: str, parse: Callable[[str], Vitals | None]) -> None:
        self._pending.append((text, parse, self._owner.monotonic(), self._owner.realtime()))

    def samples(self, samples: Sequence[ReceivedSample], *, is_complete: bool) -> None:
        mirror = self.mirror
        if mirror is not None:
            mirror.receive(samples, is_complete=is_complete)

    def alerts(self, text: str, parse: Callable[[str], Alerts | None]) -> None:
        self._pending_alerts = text, parse

    def ended(self, state: Literal["gone", "lost"], stream: str) -> None:
        self._note_pending()
        with self._lock:
            self._record.note_end(state, stream, self._owner.monotonic())

    def failed(self, reason: str, *, is_incompatible: bool = False) -> None:
        self._note_pending()
        with self._lock:
            self._record.note_failure(reason, is_incompatible=is_incompatible)

    def dropped(self, why: Dropped) -> None:
        self._owner.note_dropped(why)

    def _note_pending(self) -> None:
        """Note the vitals that have come since the last call."""
        drops: list[Dropped] = []
        with self._lock:
            for _ in range(len(self._pending)):  # not those that come meanwhile: they may never end
                text, parse, at, realtime = self._pending.popleft()
                try:
                    vitals = parse(text)
                except ForeignHostError:
                    drops.append("foreign host")
                except ReceivedError:
                    drops.append("invalid")
                else:
                    if vitals is not None:
                        self._record.note_vitals(vitals, at, realtime)
            drops += self._note_alerts_locked()
        for why in drops:
            self._owner.note_dropped(why)

    def _note_alerts_locked(self) -> list[Dropped]:
        """Note the newest alerts that have come since the last call. Return why they were dropped."""
        pending, now = self._pending_alerts, self._owner.monotonic()
        if pending is None or now < self._alerts_due_at:
            return []
        self._pending_alerts = None
        text, parse = pending
        self._alerts_due_at = now + len(text) / ALERTS_BYTES_PER_SECOND
        try:
            found = parse(text)
        except ForeignHostError:
            return ["foreign host"]
        except ReceivedError:
            return ["invalid"]
        if found is not None:
            self._received_alerts = found
            self._settle_alerts_locked()
        return []

    def _settle_alerts_locked(self) -> None:
        """Send the alerts of the host to its viewers if they have changed."""
        before = self.known_alerts
        after = merged(self._found_alerts, self._received_alerts, is_heard=self._is_heard)
        if after == before:
            return
        self.known_alerts = after
        if self.mirror is not None:
            self.mirror.publish_alerts(after._replace(resolved=newly_resolved(before, after)))

    # For the fleet.

    def note_found_alerts(self, alerts: Sequence[Alert]) -> None:
        """Note the alerts of the host that this front end has found."""
        with self._lock:
            if alerts is not self._found_alerts:
                self._found_alerts = alerts
                self._settle_alerts_locked()

    @property
    def identity(self) -> Identity | None:
        """Its ``hello``, or None before the first."""
        return self._record.identity

    def note_run(self, stream: str) -> None:
        """Note the present run of the host of this front end, which sends no ``hello``."""
        with self._lock:
            identity = self._record.identity
            if identity is not None and identity.stream != stream:
                self._record.note_identity(identity._replace(stream=stream))

    @property
    def conflict(self) -> str | None:
        """Why it is a duplicate, or None."""
        return self._record.conflict

    @property
    def may_read(self) -> bool:
        """Whether its data are read."""
        return self._record.may_read

    def identify_again(self) -> None:
        """Request its ``hello``, once after each one that was refused."""
        with self._lock:
            is_refused, self._is_refused = self._is_refused, False
        if is_refused and self.remote is not None:
            self.remote.identify_again()

    def set_conflict(self, reason: str) -> None:
        """Note why it is a duplicate."""
        with self._lock:
            self._record.conflict = reason

    def end_conflict(self, reason: str) -> bool:
        """Note that it is no duplicate any more. Return False if another ``reason`` was noted meanwhile."""
        with self._lock:
            if self._record.conflict is not reason:
                return False
            self._record.conflict = None
            return True

    @property
    def is_over(self) -> bool:
        """Whether it is lost or gone now. The host of this front end keeps its id, also if its row is lost: False."""
        if self.remote is None:
            return False
        self._note_pending()
        now = self._owner.monotonic()
        with self._lock:
            return self._record.is_over(now, self._link_locked(now))

    @property
    def is_sending(self) -> bool:
        """Whether data come from it now, also from a duplicate that is read."""
        self._note_pending()
        with self._lock:
            return self._record.is_live(self._owner.monotonic())

    def sparkline(self) -> dict[str, Any]:
        """Return the last five minutes of the series that a row shows."""
        self._note_pending()
        with self._lock:
            record = self._record
            return {"interval_seconds": record.interval_seconds, **record.sparkline.report()}

    @property
    def is_live(self) -> bool:
        """Whether it was live at the last tick."""
        return self.row is not None and self.row.state == "live"

    def is_forgotten(self, seconds: float) -> bool:
        """Whether it was discovered, and has been silent for so long."""
        with self._lock:
            age = self._record.age_seconds(self._owner.monotonic())
        return self.remote is not None and self.remote.is_discovered and age > seconds

    def update(self) -> None:
        """Decide the state, and make the row anew if anything in it has changed. Runs on ``ts-fleet``."""
        self._note_pending()
        now = self._owner.monotonic()
        with self._lock:
            record = self._record
            state = record.state(now, self._link_locked(now))
            is_live = state == "live"
            age = None
            if record.vitals is not None:
                age = 0 if is_live else int(record.age_seconds(now))
            identity, vitals, skew = record.identity, record.vitals, record.skew_seconds
            if self.remote is not None:
                self._watch_locked(state, now)
            reason = None if state in ("live", "gone") else record.reason
            if state == "duplicate":
                reason = record.conflict or record.alternation
        old, alerts = self.row, self.known_alerts.summary
        shown = (state, age, skew, vitals, alerts)
        if (
            old is not None
            and (old.state, old.age_seconds, old.skew_seconds, old.vitals, old.alerts) == shown
            and (old.entry.id, old.reason) == (self.id, reason)
            and self._entry_of is identity
        ):
            return
        if old is None or self._entry_of is not identity or old.entry.id != self.id:
            self._entry_of = identity
            entry = Entry(
                self.number,
                self.id,
                identity.host.name if identity else self.key,
                identity.site if identity else "",
                identity.tags if identity else (),
            )
        else:
            entry = old.entry
        stream = identity.stream if identity else None
        self.row = Row(entry, state, reason, age, skew, stream, vitals, alerts)

    def _link_locked(self, now: float) -> Link:
        """Return what is known of our own link since the host has become late, if it has."""
        record = self._record
        if self.remote is None or now <= record.silent_from:
            return "up"
        return self.remote.link(record.silent_from)

    def _watch_locked(self, state: State, now: float) -> None:
        """Note what the rules of the front end are evaluated for, and whether the alerts of the host are known."""
        record, identity = self._record, self._record.identity
        is_live, is_heard = state == "live", state in ("live", "late")
        if is_heard is not self._is_heard:
            self._is_heard = is_heard
            self._settle_alerts_locked()
        watched, skew = self.watched, record.known_skew_seconds if is_live else None
        if (
            is_live
            and watched is not None
            and (watched.state, watched.id, watched.skew_seconds) == (state, self.id, skew)
            and self._entry_of is identity
        ):
            return  # as usual
        is_silent = state in ("late", "unreachable")
        self.watched = WatchedHost(
            address=self.key,
            id=self.id,
            name=identity.host.name if identity else self.key,
            site=(identity.site if identity else "") or None,
            state=state,
            lost=None if is_silent else state == "lost",
            duplicate=None if is_silent or state == "lost" else state == "duplicate",
            age_seconds=0 if is_live else int(record.age_seconds(now)),
            skew_seconds=skew,
        )
