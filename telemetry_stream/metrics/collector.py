"""The collector: it calls every source once per tick, times each one, and makes a Sample of the results.

Strategy: no thread and no waiting here. The owner of the tick calls ``collect()``, always from the same thread. A
source that raises loses only its own section. psutil answers instead where it can, at most once per section and tick,
and the sample's ``sources`` report it. The same files and clocks always give the same samples.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Collection, Sequence
from typing import Any

from .files import Files
from .plain import plain
from .sample import RESERVED, Sample, SourceState, State
from .setup import SelfStats, Setup
from .source import Clock, Closeable, Now, Options, Source, Stale, is_on_demand
from .sources import build_sources
from .sources.host import HostInfo, read_host_info
from .sources.system import System

log = logging.getLogger(__name__)

# The states that the log reports, and how.
FAILURE_LEVELS = {"failed": logging.ERROR, "psutil": logging.WARNING}
QUIET_SECONDS = 60.0


class Collector:
    """Samples one host with ``collect()``. ``host`` describes that host."""

    def __init__(
        self,
        *,
        proc_root: str = "/proc",
        sys_root: str = "/sys",
        clock: Clock | None = None,
        extra_sources: Sequence[Source] = (),
        self_stats: SelfStats | None = None,
        fallback: Sequence[Source] | None = None,
        options: Options | None = None,
    ) -> None:
        """Prepare the sources. ``extra_sources`` are those of an embedding program; their sections come last.

        ``fallback`` are sources that answer when the source of the same name fails. None means the psutil sources if
        proc_root is that of the running system, else none: psutil cannot read another host's files.

        Raises ValueError if two sources have the same name, or one has a name that a sample uses itself.
        """
        self.clock = clock or Clock()
        self._files = Files(os.path.normpath(proc_root), os.path.normpath(sys_root), self.clock)
        self.host: HostInfo = read_host_info(self._files)
        self._stats = self_stats or SelfStats()
        setup = Setup(self._files, options or Options(), self._stats)
        self._sources = (*build_sources(setup), *extra_sources)
        _check_names(self._sources)
        self._extra = frozenset(source.name for source in extra_sources)
        self._on_demand = {source.name: source for source in self._sources if is_on_demand(source)}
        self._on_demand_names = frozenset(self._on_demand)
        self._plan: list[tuple[str, Callable[[Now], Any]]] = [
            (source.name, _copying(source) if source.name in self._extra else source.collect)
            for source in self._sources
        ]
        # None: the psutil sources, which are made when the first source fails. Most hosts never need them.
        self._fallback: dict[str, Source] | None = None
        if fallback is not None or not self._files.is_system:
            self._fallback = {source.name: source for source in fallback or ()}
        self._tick = 0
        self._before: Now | None = None
        # Of each source that is not ok: the state and the reason that were logged last, and when (monotonic).
        self._failures: dict[str, tuple[State, str | None, float]] = {}

    @property
    def section_names(self) -> tuple[str, ...]:
        """The names of all sections that a sample may have, in the order of the wire."""
        return tuple(source.name for source in self._sources)

    @property
    def default_sections(self) -> tuple[str, ...]:
        """The names of all sections except the on-demand ones, in the order of the wire."""
        return tuple(name for name in self.section_names if name not in self._on_demand)

    def collect(self, wanted: Collection[str] = ()) -> Sample:
        """Take a sample. ``wanted`` are the names of the sections whose on-demand parts are collected, too."""
        now = self._begin(frozenset(wanted))
        sections: dict[str, object] = {}
        states: dict[str, SourceState] = {}
        monotonic = self.clock.monotonic
        began = monotonic()
        for name, collect in self._plan:
            if name in self._on_demand and name not in now.wanted:
                continue
            state: State = "ok"
            reason = age = None
            try:
                section = collect(now)
                if section is None:
                    state = "absent"
                elif section.__class__ is Stale:
                    state, age, section = "stale", section.age_seconds, section.section
            except Exception as error:  # noqa: BLE001 (a source of an embedding program may raise anything)
                section, state, reason = self._fall_back(name, now, error)
            ended = monotonic()
            states[name] = SourceState(state, int((ended - began) * 1e6) / 1e6, reason, age)
            began = ended
            if section is not None:
                sections[name] = section
            if state != "ok" or name in self._failures:
                self._log_change(name, state, reason)
        before, self._before = self._before, now
        system = sections.get("system")
        return Sample(
            host=self.host.id,
            time_unix=round(now.realtime, 3),
            uptime_seconds=system.uptime_seconds if isinstance(system, System) else None,
            interval_seconds=None if before is None else round(now.monotonic - before.monotonic, 6),
            sections=sections,
            sources=states,
            on_demand=self._on_demand_names,
        )

    def close(self) -> None:
        """Close all descriptors and end all workers. A later ``collect()`` opens what it needs again."""
        self._files.close()
        for source in (*self._sources, *(self._fallback or {}).values()):
            _close(source)

    def _begin(self, wanted: frozenset[str]) -> Now:
        """Start a tick. On-demand sources that were wanted until now are closed."""
        self._tick += 1
        monotonic, boottime = self.clock.monotonic(), self.clock.boottime()
        suspended = 0.0
        if self._before is not None:
            passed = monotonic - self._before.monotonic
            suspended = max(0.0, boottime - self._before.boottime - passed)
            for name in self._before.wanted - wanted:
                if name in self._on_demand:
                    _close(self._on_demand[name])
        return Now(self._tick, monotonic, boottime, self.clock.realtime(), wanted, suspended)

    def _fall_back(
        self, name: str, now: Now, error: Exception
    ) -> tuple[object | None, State, str | None]:
        """Return the section from the fallback, if it has one, with the state and the reason to report."""
        reason = _reason(error)
        if name in self._extra:
            return None, "failed", reason
        try:
            source = self._fallback_sources().get(name)
            section = None if source is None else source.collect(now)
        except Exception as second:  # noqa: BLE001 (psutil has its own family of exceptions)
            section = None
            reason = f"{reason}; psutil: {_reason(second)}"
        if section is not None:
            return section, "psutil", reason
        # A built-in source whose file does not exist: this host does not have the section.
        return None, "absent" if isinstance(error, FileNotFoundError) else "failed", reason

    def _fallback_sources(self) -> dict[str, Source]:
        """Return the fallback sources by name. Imports psutil when it is needed first: 15 ms and 4 MiB."""
        if self._fallback is None:
            import psutil  # noqa: PLC0415

            from .fallback import psutil_sources  # noqa: PLC0415

            sources = psutil_sources(psutil, self.clock, self._stats)
            self._fallback = {source.name: source for source in sources}
        return self._fallback

    def _log_change(self, name: str, state: State, reason: str | None) -> None:
        """Log that a source failed or works again, at most one line per source and minute.

        So a flapping source, or one with another reason in each tick, does not fill the log. Other changes of state
        are logged for debugging only.
        """
        now = self.clock.monotonic()
        before, reason_before, logged_at = self._failures.get(name, ("ok", None, -math.inf))
        if (state, reason) == (before, reason_before):
            if state == "ok" and now >= logged_at + QUIET_SECONDS:
                del self._failures[name]
            return
        otherwise = logging.INFO if before in FAILURE_LEVELS else logging.DEBUG
        level = FAILURE_LEVELS.get(state, otherwise)
        if level > logging.DEBUG:
            if now < logged_at + QUIET_SECONDS:
                return
            logged_at = now
        log.log(level, "Source %s: %s%s", name, state, f" ({reason})" if reason else "")
        self._failures[name] = state, reason, logged_at


def _close(source: Source) -> None:
    if isinstance(source, Closeable):
        source.close()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _copying(source: Source) -> Callable[[Now], object | None]:
    """Return the ``collect`` of an embedding program's source that copies what the source returns."""

    def collect(now: Now) -> object | None:
        section = source.collect(now)
        if isinstance(section, Stale):
            return Stale(plain(section.section, source.name), section.age_seconds)
        return None if section is None else plain(section, source.name)

    return collect


def _check_names(sources: Sequence[Source]) -> None:
    """Raise ValueError unless every source has a name of its own that is free."""
    seen: set[str] = set()
    for source in sources:
        if source.name in RESERVED:
            raise ValueError(
                f"a source cannot be named {source.name!r}: this name is a field of every sample"
            )
        if source.name in seen:
            raise ValueError(f"two sources have the name {source.name!r}")
        seen.add(source.name)
