"""The collector: asks every source once per tick, times each, and makes a Sample of what they say.

Strategy: no thread and no waiting here; whoever owns the tick calls ``collect()``, always from one thread. A source
that raises costs its own section: psutil answers for it where it can, at most once per tick and section, and the
sample's ``sources`` say so. On a tree with given clocks two calls give the same two samples, always.

``want`` is the only method that other threads may call.
"""

from __future__ import annotations

import json
import logging
import math
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .files import Files
from .sample import RESERVED, Sample, SourceState, State, encode_section
from .source import Clock, Closeable, Now, Options, Source, Stale
from .sources import DEAR, build_sources
from .sources.host import HostInfo, System, read_host_info
from .sources.own import SelfStats

log = logging.getLogger(__name__)

TROUBLE = {"failed": logging.ERROR, "psutil": logging.WARNING}
QUIET_SECONDS = 60.0


class Collector:
    """One host, sampled by ``collect()``. ``host`` says which one."""

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
        """``fallback`` are sources that answer for those of the same name. None means psutil's, where proc_root is the
        running system's: psutil can see no other.

        Raises ValueError when two sources have one name, or one has a name that a frame needs itself.
        """
        self.clock = clock or Clock()
        proc_root, sys_root = os.path.normpath(proc_root), os.path.normpath(sys_root)
        self._files = Files(proc_root, sys_root, self.clock)
        self.host: HostInfo = read_host_info(self._files)
        stats = self_stats or SelfStats()
        self._sources = build_sources(self._files, stats, options or Options())
        self._extra = frozenset(source.name for source in extra_sources)
        self._sources += tuple(extra_sources)
        _check_names(self._sources)
        self._plan: list[tuple[str, Callable[[Now], Any]]] = [
            (source.name, _asking(source) if source.name in self._extra else source.collect)
            for source in self._sources
        ]
        # None: psutil's, made when the first source fails. Most hosts never need them.
        self._fallback: dict[str, Source] | None = None
        if fallback is not None or not self._files.is_system:
            self._fallback = {source.name: source for source in fallback or ()}
        self._stats = stats
        self._tick = 0
        self._before: Now | None = None
        self._wanted: dict[str, float] = {}  # section -> until when, monotonic
        self._wanted_lock = threading.Lock()
        # Of each source that is not ok: what was logged last, and when.
        self._troubled: dict[str, tuple[State, str | None, float]] = {}

    @property
    def section_names(self) -> tuple[str, ...]:
        """Every section that a sample may have, in the order of the wire."""
        return tuple(source.name for source in self._sources)

    def want(self, sections: Iterable[str] | None, until_monotonic: float) -> None:
        """Have the dear parts of these sections (None: of all) collected until then. Any thread."""
        with self._wanted_lock:
            known = self.section_names
            for name in known if sections is None else sections:
                if name not in known:
                    continue
                self._wanted[name] = max(until_monotonic, self._wanted.get(name, until_monotonic))

    def collect(self) -> Sample:
        """One sample, now."""
        now = self._begin()
        sections: dict[str, object] = {}
        states: dict[str, SourceState] = {}
        monotonic = self.clock.monotonic
        began = monotonic()
        for name, ask in self._plan:
            if name in DEAR and name not in now.wanted:
                self._leave(name)
                continue
            said: State = "ok"
            reason = age = None
            try:
                section = ask(now)
                if section is None:
                    said = "absent"
                elif section.__class__ is Stale:
                    said, age, section = "stale", section.age_seconds, section.section
            except Exception as error:  # noqa: BLE001 (an embedding program's sources raise what they like)
                section, said, reason = self._fall_back(name, now, error)
            ended = monotonic()
            states[name] = SourceState(said, int((ended - began) * 1e6) / 1e6, reason, age)
            began = ended
            if section is not None:
                sections[name] = section
            if said != "ok" or name in self._troubled:
                self._log_change(name, said, reason)
        before, self._before = self._before, now
        system = sections.get("system")
        return Sample(
            host=self.host.id,
            time_unix=round(now.realtime, 3),
            uptime_seconds=system.uptime_seconds if isinstance(system, System) else None,
            interval_seconds=None if before is None else round(now.monotonic - before.monotonic, 6),
            sections=sections,
            sources=states,
        )

    def close(self) -> None:
        """Give the descriptors back. A later ``collect()`` opens them anew."""
        self._files.close()
        for source in (*self._sources, *(self._fallback or {}).values()):
            _close(source)

    def _begin(self) -> Now:
        self._tick += 1
        monotonic, boottime = self.clock.monotonic(), self.clock.boottime()
        suspended = 0.0
        if self._before is not None:
            passed = monotonic - self._before.monotonic
            suspended = max(0.0, boottime - self._before.boottime - passed)
        with self._wanted_lock:
            wanted = frozenset(name for name, until in self._wanted.items() if until >= monotonic)
        return Now(self._tick, monotonic, boottime, self.clock.realtime(), wanted, suspended)

    def _leave(self, name: str) -> None:
        """Nobody wants this dear section any more: let go of what it holds, once."""
        if self._before is not None and name in self._before.wanted:
            for source in self._sources:
                if source.name == name:
                    _close(source)

    def _fall_back(
        self, name: str, now: Now, error: Exception
    ) -> tuple[object | None, State, str | None]:
        reason = _reason(error)
        if self._fallback is None:
            from .fallback import psutil_sources  # noqa: PLC0415 (7 ms and 1 MiB)

            self._fallback = {of.name: of for of in psutil_sources(self.clock, self._stats)}
        answer = self._fallback.get(name)
        if answer is not None:
            try:
                section = answer.collect(now)
                if section is not None:
                    return section, "psutil", reason
            except Exception as second:  # noqa: BLE001 (psutil has a family of its own)
                reason = f"{reason}; psutil: {_reason(second)}"
        if isinstance(error, FileNotFoundError) and name not in self._extra:
            return None, "absent", reason
        return None, "failed", reason

    def _log_change(self, name: str, said: State, reason: str | None) -> None:
        """One line when a source's trouble begins and one when it ends, and no more than one a minute for each source:
        who flaps, or fails with other words each tick, fills no log. What is no trouble is for debugging only.
        """
        now = self.clock.monotonic()
        before, words, at = self._troubled.get(name, ("ok", None, -math.inf))
        if (said, reason) == (before, words):
            if said == "ok" and now >= at + QUIET_SECONDS:
                del self._troubled[name]
            return
        level = TROUBLE.get(said, logging.INFO if before in TROUBLE else logging.DEBUG)
        if level > logging.DEBUG:
            if now < at + QUIET_SECONDS:
                return
            at = now
        log.log(level, "source %s: %s%s", name, said, f" ({reason})" if reason else "")
        self._troubled[name] = said, reason, at


def _close(source: Source) -> None:
    if isinstance(source, Closeable):
        source.close()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _asking(source: Source) -> Callable[[Now], object | None]:
    """How an embedding program's source is asked: what it returns is copied."""

    def ask(now: Now) -> object | None:
        section = source.collect(now)
        if isinstance(section, Stale):
            return Stale(_copied(section.section), section.age_seconds)
        return None if section is None else _copied(section)

    return ask


def _copied(section: object) -> object:
    """What a foreign source returned as the wire will carry it: it can neither change later nor break a frame."""
    copy: Mapping[str, object] | list[object] = json.loads(encode_section(section))
    return copy


def _check_names(sources: Sequence[Source]) -> None:
    seen: set[str] = set()
    for source in sources:
        if source.name in RESERVED:
            raise ValueError(
                f"a source cannot be called {source.name!r}: a sample uses that name itself"
            )
        if source.name in seen:
            raise ValueError(f"two sources are called {source.name!r}")
        seen.add(source.name)
