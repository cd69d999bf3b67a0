"""The answer of ``/api/v1/processes``: a page of all processes of this host."""

from __future__ import annotations

import time
from typing import Any

from ..metrics.sample import encode_section
from ..metrics.sources.process_list import MAX_PAGE_ROWS, SORTS, PageQuery, ProcessList, ProcessPage
from ..net.answer import HTTPError
from ..net.wsgi import WAITING
from ..stream import Feed
from .hosts import unavailable
from .query import Query

PROCESSES_PARAMETERS = ("host", "offset", "limit", "sort", "reverse", "filter")

DEFAULT_ROWS = 50
MAX_OFFSET = 2**22  # more processes than a kernel can have
MAX_FILTER_CHARACTERS = 200
# A page is discarded if a tick begins while it is made, and made again after the tick, for so long.
TRY_SECONDS = 3.0


def process_page(environ: Any, feed: Feed, query: Query) -> bytes:
    """Return the page that a request selects, as JSON. Raises HTTPError."""
    selected = PageQuery(
        query.whole_number("offset", 0, 0, MAX_OFFSET),
        query.whole_number("limit", DEFAULT_ROWS, 1, MAX_PAGE_ROWS),
        query.one_of("sort", SORTS),
        query.whole_number("reverse", 0, 0, 1) == 1,
        query.short_text("filter", MAX_FILTER_CHARACTERS).lower().split(),
    )
    processes = feed.all_processes
    if processes is None:
        reason = f"Only the host {feed.host.name} itself can list all its processes"
        raise HTTPError("404 Not Found", reason)
    feed.demand.want(("processes",))
    with environ[WAITING]():
        page = _maybe_page(feed, processes, selected)
    if page is None:
        raise unavailable("No list of processes is available yet")
    return encode_section(page).encode(errors="replace")


def _maybe_page(feed: Feed, processes: ProcessList, selected: PageQuery) -> ProcessPage | None:
    """Return a page of the newest sample with processes, or None if there is none in time."""
    deadline = time.monotonic() + TRY_SECONDS
    while True:
        seq = feed.seq
        page = processes.maybe_page(selected)
        if page is not None:
            return page
        if not feed.wait_newer(seq, ("processes",), max(0.0, deadline - time.monotonic())):
            return None
