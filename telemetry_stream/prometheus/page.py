"""The page: the kernel's counters under node_exporter's names, and everything else under ``telemetry_stream_``.

This package is imported at the first scrape, and until then nothing is kept for it. A scrape reads the counters of the
kernel, because Prometheus computes rates from them over any time; the rates of a sample are those of its interval. All
other numbers are those of the newest sample.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..metrics.sample import Sample
from ..net.answer import JSON_HEADERS
from ..net.gzipped import accepts_gzip
from ..net.wsgi import WAITING
from ..stream import Feed
from .exposition import Family, Fields, content_type_for, render
from .own import Counts, alert_families, fleet_families, notify_families, own_families
from .sample import families
from .scrape import Area, KernelScrape

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from ..fleet.fleet import Fleet

# Of a page of 170 KB: 0.9 ms and 27 KB. The default of gzip, 9, takes over 3 ms for 23 KB.
GZIP_LEVEL = 1
# The page is made again after this time, or when there is a new sample. So a flood of scrapes costs one page per tick,
# and at a long interval the counters are current.
KEPT_SECONDS = 1.0

Texts = dict[tuple[str, bool], bytes]


class Page:
    """Answers scrapes. Each sample is rendered once in each format that is requested.

    ``counts()`` returns the counts of the server. ``kernel`` is None if the files of the host that the samples are
    about cannot be read here. ``notifications()`` returns the state of each receiver of notifications.
    """

    def __init__(
        self,
        *,
        counts: Callable[[], Counts],
        kernel: KernelScrape | None = None,
        fleet: Fleet | None = None,
        notifications: Callable[[], list[dict[str, Any]]] | None = None,
    ) -> None:
        self._counts = counts
        self._kernel = kernel
        self._fleet = fleet
        self._notifications = notifications
        self._sample: Sample | None = None
        self._made_at = 0.0
        self._texts: Texts = {}

    def serve(
        self, environ: WSGIEnvironment, start_response: StartResponse, feed: Feed | None
    ) -> list[bytes]:
        """Answer a scrape in the format that its Accept header names."""
        content_type = content_type_for(environ.get("HTTP_ACCEPT", ""))
        is_compressed = accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        sample = feed.maybe_newest() if feed else None
        text = self._kept(sample).get((content_type, is_compressed))
        if text is None:
            text = self._make(environ, feed, sample, content_type, is_compressed=is_compressed)
        encoding = [("Content-Encoding", "gzip")] if is_compressed else []
        headers = [("Content-Type", content_type), *encoding, ("Vary", "Accept, Accept-Encoding")]
        start_response("200 OK", [*headers, *JSON_HEADERS[1:]])
        return [text]

    def close(self) -> None:
        """End the worker."""
        if self._kernel is not None:
            self._kernel.close()

    def _kept(self, sample: Sample | None) -> Texts:
        """Return the texts of this sample that were made a moment ago. The request permit serialises the callers."""
        now = time.monotonic()
        if sample is None or sample is not self._sample or now - self._made_at >= KEPT_SECONDS:
            self._sample, self._made_at, self._texts = sample, now, {}
        return self._texts

    def _make(
        self,
        environ: WSGIEnvironment,
        feed: Feed | None,
        sample: Sample | None,
        content_type: str,
        *,
        is_compressed: bool,
    ) -> bytes:
        slow: Mapping[str, Area] = {}
        if self._kernel is not None:
            with environ[WAITING]():
                slow = self._kernel.read_slow()
        # Another scrape may have made the text meanwhile.
        texts = self._kept(sample)
        plain = texts.get((content_type, False))
        if plain is None:
            sections = sample.sections if sample else {}
            found: list[Family | Fields] = (
                [] if self._kernel is None else self._kernel.families(sections, slow)
            )
            found += families(sample) if sample else ()
            found += own_families(sample, feed.seq if feed else 0, self._counts())
            found += self._alerts(feed)
            found += fleet_families(self._fleet.stats()) if self._fleet else ()
            found += notify_families(self._notifications()) if self._notifications else ()
            plain = texts[content_type, False] = render(found, content_type)
        if is_compressed and (content_type, True) not in texts:
            texts[content_type, True] = gzip.compress(plain, GZIP_LEVEL, mtime=0)
        return texts[content_type, is_compressed]

    def _alerts(self, feed: Feed | None) -> Iterable[Family]:
        """Return the alerts of this host, and those that the front end has found for other hosts."""
        known = feed.alerts if feed else {}
        firing = known.get("alerts")
        if firing is None and self._fleet is None:
            return ()
        of_hosts = self._fleet.found_alerts() if self._fleet else ()
        return alert_families([*(firing or ()), *of_hosts], known.get("omitted_alerts", 0))
