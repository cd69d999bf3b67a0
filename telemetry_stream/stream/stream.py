"""The stream: the feeds of all hosts on top of one hub, and the ways to receive them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..hub import Hub, HubStats
from ..metrics.plain import plain
from ..metrics.sources.host import HostInfo
from ..metrics.sources.process_list import ProcessList
from .choice import Choice, Resume
from .consumer import FRAMING, Consumer
from .demand import Demand
from .encoded import to_json
from .feed import Feed
from .ring import HistoryLimits

RESERVED_TYPES = ("hello", "history", "sample", "alerts")


class Stream:
    """A table of feeds, one for each host. Any thread may call any method; the lock guards the table."""

    def __init__(
        self,
        hub: Hub,
        *,
        version: str,
        history: HistoryLimits,
        on_first_sample: Callable[[], object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``version`` is announced in ``hello``; each feed remembers samples within the limits of ``history``.

        ``on_first_sample`` is called once, when the first sample of any host has been published, on the publishing
        thread.
        """
        self._hub = hub
        self.version = version
        self._history = history
        self._on_first_sample = on_first_sample
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._feeds: dict[str, Feed] = {}

    def add(
        self,
        host: HostInfo,
        *,
        section_names: Collection[str],
        demand: Demand,
        run: str | None = None,
        labels: Mapping[str, object] | None = None,
        all_processes: ProcessList | None = None,
    ) -> Feed:
        """Add the feed of ``host``. Raises ValueError if there is one already.

        ``run`` is the id of its run, if another program numbers the samples (``Feed.publish_as``): the ``hello`` of a
        viewer that joins before the first sample has it. ``labels`` are added to ``hello``. ``all_processes`` is as in
        Feed.
        """
        feed = self.unlisted(
            host, section_names=section_names, demand=demand, run=run, labels=labels,
            on_first_sample=self._note_first_sample,
        )  # fmt: skip
        feed.all_processes = all_processes
        with self._lock:
            if host.id in self._feeds:
                raise ValueError(f"host {host.id} ({host.name}) has a feed already")
            self._feeds[host.id] = feed
        return feed

    def unlisted(
        self,
        host: HostInfo,
        *,
        section_names: Collection[str],
        demand: Demand,
        run: str | None = None,
        labels: Mapping[str, object] | None = None,
        on_first_sample: Callable[[], object] = lambda: None,
    ) -> Feed:
        """Return a feed on the same hub that is not in the table: its owner finds it, and forgets it some day."""
        feed = Feed(
            self._hub,
            host,
            hello={"version": self.version, **(labels or {})},
            history=self._history,
            section_names=section_names,
            demand=demand,
            on_first_sample=on_first_sample,
            monotonic=self._monotonic,
        )
        if run is not None:
            feed.begin_run(run)
        return feed

    def feed(self, host: str | None = None) -> Feed:
        """Return the feed of the host with this id, or the first one that was added. Raises LookupError."""
        with self._lock:
            if host is None:
                for feed in self._feeds.values():
                    return feed
                raise LookupError("there is no feed yet")
            return self._feeds[host]

    def _note_first_sample(self) -> None:
        with self._lock:
            on_first_sample, self._on_first_sample = self._on_first_sample, None
        if on_first_sample is not None:
            on_first_sample()

    def broadcast(self, type: str, /, **fields: Any) -> None:  # noqa: A002  # the wire's own word
        """Send every viewer of every host the message ``{"type": type, **fields}`` of an embedding program.

        It has no ``seq`` and is not remembered. Raises ValueError for the types of the stream itself and for values
        without a JSON form.
        """
        if not type or not isinstance(type, str):
            raise ValueError(f"type {type!r} must be a text that is not empty")
        if "type" in fields:
            raise ValueError("a message has one type, which is the first argument")
        if type in RESERVED_TYPES:
            raise ValueError(
                f"message type {type!r} is reserved (reserved: {', '.join(RESERVED_TYPES)})"
            )
        text = to_json(plain({"type": type, **fields}, type))
        self._hub.broadcast_each(
            (topic, topic.framing.message(text))
            for topic in self._hub.topics()
            if isinstance(topic, Choice)
        )

    def attach(
        self,
        name: str,
        *,
        host: str | None = None,
        sections: Collection[str] | None = None,
        every: int = 1,
        resume: Resume | None = None,
        wake: Callable[[], object] | None = None,
    ) -> Consumer:
        """Attach a consumer inside this program, named in logs as ``name``: the one way to receive the stream here.

        ``host`` is a host id (None: the first feed); ``sections`` and ``every`` are as in Choice, ``wake`` as in
        Consumer. Raises LookupError for an unknown host, and TypeError if ``sections`` is a text.
        """
        if isinstance(sections, str):
            raise TypeError(f"sections is the text {sections!r}; it must be a list of names")
        feed = self.feed(host)
        chosen = None if sections is None else tuple(sorted(sections))
        choice = Choice(FRAMING, feed.host.id, chosen, every)
        consumer = Consumer(choice, name, self._hub.unregister, wake)
        feed.demand.want(chosen)
        feed.join(consumer.client, resume)
        return consumer

    def stats(self) -> HubStats:
        """The counts of the hub."""
        return self._hub.stats()
