"""The hosts of a front end: their routes, the feed of one of them, and the overview of all.

Imported only by front ends. Other programs have ``hosts.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..access.credential import Credential
from ..access.login import CREDENTIAL
from ..fleet.fleet import Fleet
from ..fleet.mirrors import NotWatchableError
from ..fleet.overview import OverviewChoice, Selected
from ..fleet.overviews import MAX_SELECTIONS
from ..fleet.remote import FIELDS
from ..fleet.table import UnknownHostError
from ..net.answer import HTTPError, respond_json
from ..net.wsgi import WAITING
from ..stream import Feed, to_json
from .hosts import unavailable, unknown
from .query import MAX_EVERY, Query, is_given
from .registry import Selection
from .viewers import Join, Kind

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# How long a viewer of another host waits for its history, before it joins without it.
FILL_SECONDS = 5.0

MAX_SPARKLINES = 100
MAX_TAGS = 32
MAX_TOP = 100_000

OVERVIEW_PARAMETERS = ("hosts", "tag", "site", "top", "by", "every")


class FleetHosts:
    """The hosts of a fleet. ``version`` is that of this program. ``routes`` are those that only front ends have."""

    def __init__(self, fleet: Fleet, version: str) -> None:
        self._fleet = fleet
        self._version = version
        self.routes: dict[str, WSGIApplication] = {
            "/api/v1/hosts": self._report,
            "/api/v1/sparklines": self._sparklines,
        }

    def feed(self, environ: WSGIEnvironment, host: str | None) -> Feed:
        """Return the feed of a host, with what the host remembers if that comes soon. None is this host.

        Raises HTTPError 404 for an unknown host, 503 if it cannot be watched now, and 400 if one must be named.
        """
        try:
            feed, wait_filled = self._fleet.feed(host)
        except UnknownHostError:
            raise _unknown(host) from None
        except NotWatchableError as error:
            raise unavailable(str(error)) from None
        with environ[WAITING]():
            wait_filled(FILL_SECONDS)
        return feed

    def maybe_own_feed(self, environ: WSGIEnvironment) -> Feed | None:
        """Return the feed of this host, or None if it is not sampled."""
        return self.feed(environ, None) if self._fleet.has_own else None

    def alerts(self, _: WSGIEnvironment, host: str | None) -> dict[str, Any]:
        """Return the alerts of a host, None is this one. Raises HTTPError 404, or 400 if one must be named."""
        try:
            return self._fleet.alerts(host)
        except UnknownHostError:
            raise _unknown(host) from None

    def maybe_overview(self, environ: WSGIEnvironment, kind: Kind) -> tuple[Selection, Join] | None:
        """Return what the query of an overview selects, and how its viewer joins; None for another query.

        Raises HTTPError 400, and 503 if the viewers have too many different selections.
        """
        if not is_given(environ["QUERY_STRING"], "hosts"):
            return None
        query = Query(environ["QUERY_STRING"], OVERVIEW_PARAMETERS)
        query.one_of("hosts", ("*",))
        top, by = query.whole_number("top", 0, 1, MAX_TOP) or None, query.one_of("by", FIELDS)
        selected = Selected(
            tags=query.list_of("tag", MAX_TAGS),
            site=query.maybe_text("site"),
            top=top,
            by=by if top else FIELDS[0],  # the same hosts are the same selection
        )
        if not self._fleet.has_room_for(selected):
            raise unavailable(f"Limit of different selections of hosts reached ({MAX_SELECTIONS})")
        every = query.whole_number("every", 1, 1, MAX_EVERY)
        return OverviewChoice(kind.framing, selected, every), self._fleet.join

    def _report(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        Query(environ["QUERY_STRING"], ())
        credential: Credential | None = environ[CREDENTIAL]
        user = credential.token.name if credential else None
        report = self._fleet.report() | {"version": self._version, "user": user}
        return respond_json(start_response, to_json(report))

    def _sparklines(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        ids = Query(environ["QUERY_STRING"], ("hosts",)).list_of("hosts", MAX_SPARKLINES)
        found = self._fleet.sparklines(ids)
        return respond_json(start_response, to_json({"sparklines": found}))


def _unknown(host: str | None) -> HTTPError:
    if host is None:
        reason = "This front end does not sample its own host (name a host of /api/v1/hosts)"
        return HTTPError("400 Bad Request", reason)
    return unknown(host)
