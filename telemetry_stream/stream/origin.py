"""Origins: what produces samples. This host, sampled by its collector, is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from ..hub import HubStats
from ..metrics.collector import Collector
from ..metrics.sample import Sample
from ..metrics.setup import SelfStats
from ..metrics.source import Options, Source
from ..metrics.ticker import Ticker
from .demand import Demand
from .feed import Feed
from .stream import Stream

# Without a tick for longer than this, or than three intervals, an origin does not work.
LATE_SECONDS = 5.0


@runtime_checkable
class Origin(Protocol):
    """Produces the samples of one host or several.

    ``start`` adds its feeds to the stream and starts its threads. Each feed has a Demand, which contains what viewers
    want of that host. A thread that dies of an unexpected error calls ``on_crash``. ``close`` is safe to repeat, and
    before ``start``.
    """

    def start(self, stream: Stream, on_crash: Callable[[BaseException], None]) -> None: ...

    def maybe_problem(self) -> str | None:
        """Why this origin does not work, in one sentence, or None."""

    def close(self) -> None: ...


class Observer(Protocol):
    """Gets each sample of a host after it was published, on the thread that takes the samples. It must not wait."""

    @property
    def on_demand(self) -> frozenset[str]:
        """The on-demand sections that it needs in each sample."""

    def note(self, feed: Feed, sample: Sample) -> None:
        """Note a sample that ``feed`` has published. Must not raise."""


class LocalHost:
    """This host as an origin: the thread ``ts-collect`` calls the collector at each tick and publishes the sample."""

    def __init__(
        self,
        *,
        proc_root: str,
        sys_root: str,
        interval_seconds: float,
        idle_interval_seconds: float,
        sources: Sequence[Source] = (),
        host_id: str = "",
        labels: Mapping[str, object] | None = None,
        options: Options | None = None,
    ) -> None:
        """Prepare the parts. Raises ValueError if two sources have the same name.

        ``sources`` are those of an embedding program. ``host_id`` replaces the id that is derived from the machine-id.
        ``labels`` are added to ``hello``. ``options`` are those of the collector.
        """
        self.roots = (proc_root, sys_root)
        self._labels = labels
        self._observer: Observer | None = None
        self._collector = Collector(
            proc_root=proc_root,
            sys_root=sys_root,
            extra_sources=sources,
            host_id=host_id,
            options=options,
            self_stats=SelfStats(
                viewers=lambda: self._hub_stats().clients,
                frames_sent=lambda: self._hub_stats().sent,
                frames_dropped=lambda: self._hub_stats().dropped,
                frames_refused=lambda: self._hub_stats().refused,
                is_batched=lambda: self._hub_stats().is_batched,
                tick_lateness_seconds=lambda: self._ticker.lateness_seconds,
                ticks_missed=lambda: self._ticker.missed,
            ),
        )
        self._ticker = Ticker(interval_seconds, self._tick, on_crash=self._crashed)
        self._demand = Demand(
            default_sections=self._collector.default_sections,
            interval_seconds=interval_seconds,
            idle_interval_seconds=idle_interval_seconds,
            on_interval=self._ticker.pace,
        )
        self._stream: Stream
        self._feed: Feed
        self._on_crash: Callable[[BaseException], None]
        self._tick_stats: HubStats | None = None

    def observe(self, observer: Observer) -> None:
        """Show each sample to ``observer``. To be called before ``start``."""
        self._observer = observer

    def start(self, stream: Stream, on_crash: Callable[[BaseException], None]) -> None:
        """Add the feed of this host, and take the first sample now, on the new thread."""
        self._stream, self._on_crash = stream, on_crash
        self._feed = stream.add(
            self._collector.host,
            section_names=self._collector.section_names,
            demand=self._demand,
            labels=self._labels,
            all_processes=self._collector.all_processes,
        )
        self._ticker.start()

    def maybe_problem(self) -> str | None:
        """Return a sentence if no tick has begun for 5 s or three intervals, whichever is longer; else None."""
        age = self._demand.age_seconds()
        if age > max(LATE_SECONDS, 3 * self._demand.interval_seconds):
            return f"no sample has been taken for {age:.0f} s"
        return None

    def close(self) -> None:
        """Stop the ticker, wait a moment for its tick, and close the files."""
        self._ticker.close()
        self._collector.close()

    def _tick(self) -> None:
        """Runs on ``ts-collect``."""
        self._tick_stats = None
        self._demand.tick(self._feed.audience.sections())
        wanted, observer = self._demand.wanted(), self._observer
        if observer is not None:
            wanted |= observer.on_demand
        sample = self._collector.collect(wanted)
        self._feed.publish(sample)
        if observer is not None:
            observer.note(self._feed, sample)

    def _hub_stats(self) -> HubStats:
        """The counts of this tick: adding up a thousand viewers once is enough."""
        if self._tick_stats is None:
            self._tick_stats = self._stream.stats()
        return self._tick_stats

    def _crashed(self, error: BaseException) -> None:
        self._on_crash(error)
