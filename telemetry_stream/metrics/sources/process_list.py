"""All processes of the newest reading, a page of them at a time, for requests.

Strategy: the collector reads all processes in any case. It publishes a reference to its table after each reading and
withdraws it before the next one, which costs it nothing. The thread of a request filters, sorts and copies rows, and
checks at the end that the table is still the published one; if it is not, rows may have changed meanwhile, and the
caller tries again after the next sample. So a page costs the requester, and the collector never waits.

What a filter and the order by command need of all processes (their units and command lines) is read for the first such
request, and kept while such requests come. A detail is kept for IDLE_SECONDS after the last request that needed it, so
that viewers with different filters and pages do not lose each other's. One request at a time is worked on.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..source import Clock
from .passwd import Users, maybe_owner
from .process_details import Detail, Key, ProcessDetails
from .process_record import Facts, Process, add_detail, process
from .process_table import Row

MAX_PAGE_ROWS = 200
# How long a request waits for those before it.
LOCK_SECONDS = 3.0
# After this time without a request that needs them, the details of a process are forgotten.
IDLE_SECONDS = 30.0

# The field that sorts, and whether the lowest value comes first. The others begin with the highest one, or the most
# urgent state.
SORTS: Mapping[str, bool] = {
    "cpu_percent": False,
    "memory_rss_bytes": False,
    "threads": False,
    "state": False,
    "pid": True,
    "name": True,
    "command": True,
    "user": True,
}

# The directory of the program, which the dashboard does not show.
_DIRECTORY = re.compile(r"/(?:[^/\s]*/)*(?=[^/\s])")


class PageQuery(NamedTuple):
    """Which processes a request selects: those that have each word, of these the rows from ``offset`` on."""

    offset: int = 0
    limit: int = 50
    sort: str = "cpu_percent"
    is_reversed: bool = False
    words: Sequence[str] = ()  # in lower case


@dataclass(slots=True)
class ProcessPage:
    """One page.

    ``unread``: of so many processes, unit and command line could not be read in time for the filter or the order.
    """

    total: int
    matching: int
    offset: int
    unread: int
    processes: list[Process]


class _Published(NamedTuple):
    table: Mapping[int, Row]
    total: int
    facts: Facts
    seconds: float | None


class ProcessList:
    """The pages of one host. The lock guards the details.

    ``publish``, ``withdraw`` and ``close`` are called by the collecting thread, ``maybe_page`` by any thread.
    The collecting thread refreshes ``users``.
    """

    def __init__(self, proc_root: str, users: Users, details: ProcessDetails, clock: Clock) -> None:
        self._root = proc_root
        self.users = users
        self._details = details
        self._monotonic = clock.monotonic
        self._lock = threading.Lock()
        self._published: _Published | None = None
        self._used_at: float | None = None
        self._needed_at: dict[Key, float] = {}  # the last request that needed its details

    def publish(
        self, table: Mapping[int, Row], total: int, facts: Facts, seconds: float | None
    ) -> None:
        """Make a reading available. Its rows must not change until ``withdraw``."""
        self._published = _Published(table, total, facts, seconds)

    def withdraw(self) -> None:
        """Make the reading unavailable, because a new one begins."""
        self._published = None
        if self._used_at is not None and self._monotonic() > self._used_at + IDLE_SECONDS:
            self._forget_details()

    def close(self) -> None:
        """Make the reading unavailable, and end the worker."""
        self._published = None
        self._forget_details()

    def _forget_details(self) -> None:
        # The collecting thread does not wait. A request that is worked on now is a reason to keep them.
        if self._used_at is not None and self._lock.acquire(blocking=False):
            try:
                self._details.close()
                self._needed_at = {}
                self._used_at = None
            finally:
                self._lock.release()

    def maybe_page(self, query: PageQuery) -> ProcessPage | None:
        """Return a page, or None if there is no reading, or a new one began meanwhile. May wait for a few seconds."""
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            return None
        try:
            self._used_at = self._monotonic()
            return self._maybe_page_locked(query)
        finally:
            self._lock.release()

    def _maybe_page_locked(self, query: PageQuery) -> ProcessPage | None:
        details: Mapping[Key, Detail] = {}
        if query.words or query.sort == "command":
            if (published := self._published) is None:
                return None
            keys = [(pid, row.starttime) for pid, row in list(published.table.items())]
            details = self._known_locked(keys, keys, {})
        if (published := self._published) is None:
            return None
        rows = list(published.table.items())
        users: dict[int, str | None] = {}
        if query.words or query.sort == "user":
            users = {pid: self._maybe_user(pid) for pid, _ in rows}
        found = [
            (pid, row)
            for pid, row in rows
            if not query.words
            or _matches(pid, row, users[pid], details.get((pid, row.starttime)), query.words)
        ]
        found.sort(key=_order(query.sort, users, details), reverse=query.is_reversed)
        chosen = found[query.offset : query.offset + query.limit]
        records = [
            process(
                pid,
                row,
                users[pid] if pid in users else self._maybe_user(pid),
                published.facts,
                published.seconds,
            )
            for pid, row in chosen
        ]
        running = {(pid, row.starttime): row for pid, row in chosen}
        present = [(pid, row.starttime) for pid, row in rows]
        if self._published is not published:
            return None
        page = ProcessPage(
            published.total,
            len(found),
            query.offset,
            sum(not detail.labels_read for detail in details.values()),
            records,
        )
        known = self._known_locked(present, running, running)
        for record, key in zip(records, running, strict=True):
            add_detail(record, known[key])
        return page

    def _known_locked(
        self, present: Iterable[Key], needed: Iterable[Key], running: Mapping[Key, Row]
    ) -> Mapping[Key, Detail]:
        """Return the details of the ``needed`` processes, and of others that a request needed a short time ago.

        Those of processes that are not ``present`` any more are forgotten, which limits what is kept.
        """
        at = self._monotonic()
        self._needed_at |= dict.fromkeys(needed, at)
        self._needed_at = {
            key: then
            for key in present
            if (then := self._needed_at.get(key)) is not None and at <= then + IDLE_SECONDS
        }
        return self._details.update(self._needed_at, running)

    def _maybe_user(self, pid: int) -> str | None:
        uid = maybe_owner(os.path.join(self._root, str(pid)))
        return None if uid is None else self.users.name(uid)


def _matches(
    pid: int, row: Row, user: str | None, detail: Detail | None, words: Sequence[str]
) -> bool:
    """Return whether each word is in the pid, name, user, command line or unit."""
    parts = [str(pid), row.comm.decode("utf-8", "replace"), user]
    if detail is not None:
        parts += [detail.command, detail.unit]
    text = " ".join(part for part in parts if part).lower()
    return all(word in text for word in words)


def _shown_command(pid: int, row: Row, details: Mapping[Key, Detail]) -> str:
    """Return the command line as the dashboard shows it; the name where it is not known."""
    detail = details.get((pid, row.starttime))
    if detail is None or detail.command is None:
        return row.comm.decode("utf-8", "replace").lower()
    directory = _DIRECTORY.match(detail.command)
    return detail.command[directory.end() if directory else 0 :].lower()


def _order(
    sort: str, users: Mapping[int, str | None], details: Mapping[Key, Detail]
) -> Callable[[tuple[int, Row]], Any]:
    """Return the key by which rows are sorted. Unknown values come last, and equal rows are in the order of pids."""

    def highest(value: int | None) -> int:
        return 1 if value is None else -value

    orders: dict[str, Callable[[int, Row], Any]] = {
        "cpu_percent": lambda pid, row: (highest(row.used), pid),
        "memory_rss_bytes": lambda pid, row: (highest(row.rss), pid),
        "threads": lambda pid, row: (highest(row.threads), pid),
        # Waiting for a disk first, then running.
        "state": lambda pid, row: ("DR".find(row.state) % 3, highest(row.used), pid),
        "pid": lambda pid, _: pid,
        "name": lambda pid, row: (row.comm.lower(), pid),
        "command": lambda pid, row: (_shown_command(pid, row, details), pid),
        "user": lambda pid, row: (users[pid] or "", highest(row.used), pid),
    }
    order = orders[sort]
    return lambda item: order(*item)
