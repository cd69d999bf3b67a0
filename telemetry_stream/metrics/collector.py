"""The collector: it calls every source once per tick, times each one, and makes a Sample of the results.

Strategy: no thread here, and no waiting except a moment for sources of an embedding program (embedded.py). The owner of
the tick calls ``collect()``, always from the same thread. A source that raises loses only its own section. psutil
answers instead where it can, at most once per section and tick, and the sample's ``sources`` report it. The same files
and clocks always give the same samples.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .files import Files
from .sample import RESERVED, Sample, SourceState, State
from .setup import SelfStats, Setup
from .source import NOT_WANTED, Clock, Closeable, Now, Options, Source, Stale, is_on_demand
from .source_log import SourceLog
from .sources import build_sources
from .sources.host import HostInfo, read_host_info
from .sources.process import ProcessesSource
from .sources.process_list import ProcessList
from .sources.system import System

if TYPE_CHECKING:
    from .embedded import EmbeddedSource

# The sections that psutil can fill (fallback/system.py). It is imported for no others: 15 ms and 4 MiB.
PSUTIL_SECTIONS = frozenset(
    {
        "cpu",
        "load",
        "memory",
        "swap",
        "system",
        "self",
        "disks",
        "disk",
        "filesystems",
        "interfaces",
        "network",
        "temperatures",
        "processes",
    }
)
# How long ``close`` waits for sources of an embedding program; the whole program has two seconds to stop.
JOIN_SECONDS = 0.4


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
        host_id: str = "",
    ) -> None:
        """Prepare the sources. ``extra_sources`` are those of an embedding program; their sections come last. Each runs
        on its own thread, which ``collect`` starts.

        ``fallback`` are sources that answer when the source of the same name fails. None means the psutil sources if
        proc_root is that of the running system, else none: psutil cannot read another host's files. ``host_id``
        replaces the id that is derived from the machine-id, which two cloned hosts share.

        Raises TypeError or ValueError if an extra source is not a source, two sources have the same name, or one has a
        name that a sample uses itself.
        """
        self.clock = clock or Clock()
        self._files = Files(os.path.normpath(proc_root), os.path.normpath(sys_root), self.clock)
        self.host: HostInfo = read_host_info(self._files)
        if host_id:
            self.host = replace(self.host, id=host_id)
        self._stats = self_stats or SelfStats()
        self._options = options or Options()
        setup = Setup(self._files, self._options, self._stats)
        self._sources = tuple(build_sources(setup))
        self._embedded = self._embed(extra_sources, self._options.timeout_seconds)
        every: tuple[Source | EmbeddedSource, ...] = (*self._sources, *self._embedded)
        self._names = tuple(source.name for source in every)
        _check_names(self._names)
        self._on_demand = {source.name: source for source in every if is_on_demand(source)}
        self._on_demand_names = frozenset(self._on_demand)
        self._plan: list[tuple[str, Callable[[Now], Any]]] = [
            (source.name, source.collect) for source in self._sources
        ]
        # None: the psutil sources, which are made when the first source fails. Most hosts never need them.
        self._fallback: dict[str, Source] | None = None
        self._psutil_error: Exception | None = None  # why it could not be imported
        if fallback is not None or not self._files.is_system:
            self._fallback = {source.name: source for source in fallback or ()}
        self._tick = 0
        self._before: Now | None = None
        self._log = SourceLog(self.clock.monotonic)

    def _embed(
        self, sources: Sequence[Source], timeout_seconds: float
    ) -> tuple[EmbeddedSource, ...]:
        if not sources:
            return ()
        from .embedded import WAIT_SECONDS, EmbeddedSource  # noqa: PLC0415  # for embedding programs only

        wait_seconds = max(WAIT_SECONDS, timeout_seconds)
        return tuple(EmbeddedSource(source, self.clock, wait_seconds) for source in sources)

    @property
    def section_names(self) -> tuple[str, ...]:
        """The names of all sections that a sample may have, in the order of the wire."""
        return self._names

    @property
    def default_sections(self) -> tuple[str, ...]:
        """The names of all sections except the on-demand ones, in the order of the wire."""
        return tuple(name for name in self.section_names if name not in self._on_demand)

    @property
    def all_processes(self) -> ProcessList | None:
        """All processes, for requests; they are read while the section ``processes`` is wanted."""
        found = (source for source in self._sources if isinstance(source, ProcessesSource))
        return next(found).all_processes

    def collect(self, wanted: Collection[str] = ()) -> Sample:
        """Take a sample. ``wanted`` are the names of the sections whose on-demand parts are collected, too."""
        sections: dict[str, object] = {}
        states: dict[str, SourceState] = {}
        now = self._begin(frozenset(wanted), sections)
        embedded = [
            source for source in self._embedded if source.name in wanted or not source.on_demand
        ]
        for source in embedded:  # They run while the built-in sources are collected.
            source.request(replace(now, sections={}))
        self._collect_built_in(now, sections, states)
        for source in embedded:
            section, state, error = source.result(now)
            states[source.name] = state
            if section is not None:
                sections[source.name] = section
            if state.state != "ok" or source.name in self._log.noted:
                self._log.note(source.name, state.state, state.reason, error)
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
        for source in (*self._sources, *(self._fallback or {}).values(), *self._embedded):
            _close(source)
        deadline = time.monotonic() + JOIN_SECONDS
        for embedded in self._embedded:
            embedded.join(deadline)

    def _begin(self, wanted: frozenset[str], sections: Mapping[str, object]) -> Now:
        """Start a tick, whose built-in sources see ``sections``. Close on-demand sources that are not wanted now."""
        self._tick += 1
        monotonic, boottime = self.clock.monotonic(), self.clock.boottime()
        suspended = 0.0
        if self._before is not None:
            passed = monotonic - self._before.monotonic
            suspended = max(0.0, boottime - self._before.boottime - passed)
            for name in self._before.wanted - wanted:
                if name in self._on_demand:
                    _close(self._on_demand[name])
        realtime = self.clock.realtime()
        return Now(self._tick, monotonic, boottime, realtime, wanted, suspended, sections)

    def _collect_built_in(
        self, now: Now, sections: dict[str, object], states: dict[str, SourceState]
    ) -> None:
        """Collect the built-in sources, or their fallback, into ``sections`` and ``states``."""
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
                elif section is NOT_WANTED:
                    continue
                elif section.__class__ is Stale:
                    state, age, section = "stale", section.age_seconds, section.section
            except Exception as error:  # noqa: BLE001 (a mistake of ours in one source must not lose the sample)
                section, state, reason = self._fall_back(name, now, error)
            ended = monotonic()
            states[name] = SourceState(state, int((ended - began) * 1e6) / 1e6, reason, age)
            began = ended
            if section is not None:
                sections[name] = section
            if state != "ok" or name in self._log.noted:
                self._log.note(name, state, reason)

    def _fall_back(
        self, name: str, now: Now, error: Exception
    ) -> tuple[object | None, State, str | None]:
        """Return the section from the fallback, if it has one, with the state and the reason to report."""
        reason = _reason(error)
        try:
            source = self._maybe_fallback(name)
            section = None if source is None else source.collect(now)
        except Exception as second:  # noqa: BLE001 (psutil has its own family of exceptions)
            section = None
            reason = f"{reason}; psutil: {_reason(second)}"
        if section is not None:
            return section, "psutil", reason
        # A built-in source whose file does not exist: this host does not have the section.
        return None, "absent" if isinstance(error, FileNotFoundError) else "failed", reason

    def _maybe_fallback(self, name: str) -> Source | None:
        """Return the fallback of a source. Imports psutil when it is needed first, and raises what that raised."""
        if self._fallback is None:
            if name not in PSUTIL_SECTIONS:
                return None
            if self._psutil_error is not None:
                raise self._psutil_error.with_traceback(None)
            try:
                import psutil  # noqa: PLC0415

                from .fallback import psutil_sources  # noqa: PLC0415
            except Exception as error:
                # A search of the whole path in each tick costs more than it finds.
                self._psutil_error = error
                raise
            sources = psutil_sources(
                psutil, self.clock, self._stats, self._options, self.all_processes
            )
            self._fallback = {source.name: source for source in sources}
        return self._fallback.get(name)


def _close(source: object) -> None:
    if isinstance(source, Closeable):
        source.close()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _check_names(names: Iterable[str]) -> None:
    """Raise ValueError unless every source has a name of its own that is free."""
    seen: set[str] = set()
    for name in names:
        if name in RESERVED:
            raise ValueError(
                f"a source cannot be named {name!r}: this name is a field of every sample"
            )
        if name in seen:
            raise ValueError(f"two sources have the name {name!r}")
        seen.add(name)
