"""Reads the areas of the kernel for a scrape: the areas that may block on a worker, the others at once.

Strategy. A scrape first has the worker read the areas that may block, and waits a moment for them (blocking.py). An
area that does not answer in time has no families in this scrape; its old ones would be wrong. Then the thread of the
scrape reads the other areas. An area whose file is missing or malformed loses only its own families.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..metrics.blocking import Blocking
from ..metrics.files import ParseError
from .exposition import Family, Fields, labels
from .kernel import AREAS, SLOW_AREAS, Collect
from .kernel.host import Host

log = logging.getLogger(__name__)

# Reading them takes some ms. Prometheus waits for 10 s by default.
SLOW_SECONDS = 0.5
# Scrapes that arrive together share what was read.
KEPT_SECONDS = 0.5

SUCCESS = (
    "1 if an area of the kernel was read for this scrape, 0 if it failed or did not answer in time"
)
DURATION = "How long it took to read an area of the kernel for this scrape"


@dataclass(frozen=True, slots=True)
class Area:
    """What the reading of one area gave. ``is_absent``: the host does not have it. ``error``: why it failed."""

    families: list[Family | Fields]
    seconds: float = 0.0
    error: str | None = None
    is_absent: bool = False


LATE = Area([], SLOW_SECONDS, f"it does not answer within {SLOW_SECONDS} s")


class KernelScrape:
    """The areas of one host. Any thread may call any method.

    The condition's lock guards the newest results, and whether a scrape is reading now: only one uses the worker. Each
    area that fails is logged once.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._changed = threading.Condition()
        self._is_reading = False
        self._slow: Mapping[str, Area] = {}
        self._read_at = -math.inf
        self._logged: set[str] = set()
        self._blocking: Blocking[str, Area] = Blocking(
            "ts-scrape",
            lambda name: read(SLOW_AREAS[name], host),
            host.clock,
            timeout_seconds=SLOW_SECONDS,
        )

    def read_slow(self) -> Mapping[str, Area]:
        """Return the areas that may block. Waits up to SLOW_SECONDS for them, or for the scrape that reads them.

        That one may itself be late, on a host without a free core. Then no area has answered.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._is_reading, 2 * SLOW_SECONDS)
            if self._host.clock.monotonic() - self._read_at < KEPT_SECONDS:
                return self._slow
            if self._is_reading:
                return dict.fromkeys(SLOW_AREAS, LATE)
            self._is_reading = True
        try:
            slow = self._read_slow()
        finally:
            with self._changed:
                self._is_reading = False
                self._changed.notify_all()
        return slow

    def _read_slow(self) -> Mapping[str, Area]:
        """Have the worker read the areas. Only one thread at a time."""
        monotonic = self._host.clock.monotonic
        began = monotonic()
        self._blocking.request(SLOW_AREAS)
        slow = {name: self._area(name, began) for name in SLOW_AREAS}
        with self._changed:
            self._slow, self._read_at = slow, monotonic()
        return slow

    def _area(self, name: str, since: float) -> Area:
        """Return what the worker has read since this moment."""
        result = self._blocking.maybe_result(name)
        if result is None or result.value is None or result.at < since:
            return LATE
        return result.value

    def families(
        self, sections: Mapping[str, object], slow: Mapping[str, Area]
    ) -> list[Family | Fields]:
        """Return the families of all areas.

        ``sections`` are those of the newest sample, ``slow`` is the result of ``read_slow``.
        """
        self._host.sections = sections
        areas = {
            **{name: read(collect, self._host) for name, collect in AREAS.items()},
            **slow,
        }
        for name, area in areas.items():
            if area.error is not None and name not in self._logged:
                self._logged.add(name)
                log.warning("The area %s cannot be read for /metrics: %s", name, area.error)
        found = [family for area in areas.values() for family in area.families]
        return [*found, *_report(areas)]

    def close(self) -> None:
        """End the worker."""
        self._blocking.close()


def read(collect: Collect, host: Host) -> Area:
    """Read one area."""
    began = time.perf_counter()
    try:
        families = list(collect(host))
    except FileNotFoundError:
        return Area([], is_absent=True)
    except Exception as error:  # noqa: BLE001 (a mistake of ours in one area must not lose the page)
        reason = str(error) if isinstance(error, OSError | ParseError) else repr(error)
        return Area([], time.perf_counter() - began, reason)
    return Area(families, time.perf_counter() - began)


def _report(areas: Mapping[str, Area]) -> Iterable[Family]:
    """Return which areas were read. An area that the host does not have has no series."""
    present = {labels({"area": name}): area for name, area in areas.items() if not area.is_absent}
    success = [(of, area.error is None) for of, area in present.items()]
    duration = [(of, round(area.seconds, 6)) for of, area in present.items()]
    yield Family("telemetry_stream_scrape_area_success", "gauge", SUCCESS, success)
    yield Family("telemetry_stream_scrape_area_duration_seconds", "gauge", DURATION, duration)
