"""Every route, in one visible table, as one WSGI application.

An HTTPError that a route raises becomes JSON, ``{"error": …}``. A path that is not in the table is looked up among the
dashboard's built files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..access.access import Access
from ..access.credential import Credential
from ..access.login import CREDENTIAL, UNAUTHENTICATED
from ..net.address import PerAddress, is_loopback
from ..net.answer import (
    LINES_HEADERS,
    Answer,
    HTTPError,
    respond,
    respond_error,
    respond_json,
    respond_json_pieces,
)
from ..net.gzipped import accepts_gzip, gzipped
from ..net.wsgi import WAITING, PeerGoneError
from ..stream import Choice, Feed, Resume, Stream, to_json
from ..websocket.handshake import maybe_refuse
from .forwarded_limit import ForwardedLimit
from .notifications import Notifications
from .processes import PROCESSES_PARAMETERS, process_page
from .query import MAX_EVERY, MAX_SEQ, Query, is_given, quoted
from .registry import Selection, Viewer
from .viewers import LINES, WEBSOCKET, Join, Kind, Viewers

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ..fleet.hosts import Fleet
    from ..notify.notifier import Notifier
    from ..prometheus.page import Page

# How long a request waits for the next sample, if the newest one is old or has not all of the requested sections.
FRESH_SECONDS = 3.0

# All on-demand sections are collected for this long after a scrape: until the next one, if that comes within a minute,
# which is the default of Prometheus.
SCRAPE_SECONDS = 75.0

# How long a viewer of another host waits for its history, before it joins without it.
FILL_SECONDS = 5.0

MAX_SPARKLINES = 100
MAX_TAGS = 32
MAX_TOP = 100_000

STREAM_PARAMETERS = ("host", "every", "sections", "history", "since", "stream")
OVERVIEW_PARAMETERS = ("hosts", "tag", "site", "top", "by", "every")

HISTORY_PARAMETERS = ("host", "seconds", "since", "before", "stream", "every", "sections", "brief")
# Of the routes that do not only read.
METHODS = {
    "/login": ("POST",),
    "/logout": ("POST",),
    "/api/v1/silences": ("GET", "HEAD", "POST", "DELETE"),
}
Route = Callable[[Any, Any], Iterable[bytes]]


class Routes:
    """The WSGI application.

    ``maybe_problem()`` returns why the program is not healthy, or None if it is.
    ``make_page()`` returns the Prometheus page; the first scrape calls it.
    ``per_forwarded_address`` limits the requests in progress of each client behind a trusted proxy.
    ``notifier`` notifies receivers of alerts, None if there is none.
    ``fleet`` are the hosts of a front end, None for a program that watches no other host.
    """

    def __init__(  # noqa: PLR0913  # what the routes of all parts need
        self,
        *,
        stream: Stream,
        viewers: Viewers,
        access: Access,
        maybe_problem: Callable[[], str | None],
        make_page: Callable[[], Page],
        pages: WSGIApplication,
        per_forwarded_address: PerAddress,
        fleet: Fleet | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self._stream = stream
        self._viewers = viewers
        self._access = access
        self._maybe_problem = maybe_problem
        self._make_page = make_page
        self._pages = pages
        self._page: Page | None = None
        self._limit = ForwardedLimit(per_forwarded_address)
        self._fleet = fleet
        self._table: dict[str, Route] = {
            "/ws": self._websocket,
            "/api/v1/sample": self._sample,
            "/api/v1/history": self._history,
            "/api/v1/processes": self._processes,
            "/api/v1/stream": self._lines,
            "/api/v1/clients": self._clients,
            "/api/v1/alerts": self._alerts,
            "/healthz": self._healthz,
            "/metrics": self._metrics,
            "/login": self._login,
            "/logout": self._logout,
        }
        if notifier is not None:
            notifications = Notifications(notifier, access)
            self._table |= {
                "/api/v1/notifications": notifications.show,
                "/api/v1/silences": notifications.silences,
            }
        if fleet is not None:
            self._table |= {"/api/v1/hosts": self._hosts, "/api/v1/sparklines": self._sparklines}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        self._access.identify(environ)
        try:
            return self._limit.hold(environ, lambda: self._answer(environ, start_response))
        except HTTPError as failure:
            return respond_error(start_response, failure)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._access.check(environ)
            if answer is not None:
                return respond(start_response, answer)
            return self._route(environ)(environ, start_response)
        except HTTPError as failure:
            return respond_error(start_response, failure)

    def _route(self, environ: WSGIEnvironment) -> Route:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        methods = METHODS.get(path, ("GET", "HEAD"))
        if method not in methods:
            raise HTTPError(
                "405 Method Not Allowed",
                f"Method {method} is not allowed (use {' or '.join(methods)})",
                (("Allow", ", ".join(methods)),),
            )
        return self._table.get(path, self._pages)

    def _websocket(self, environ: WSGIEnvironment, _: StartResponse) -> Iterable[bytes]:
        refusal = maybe_refuse(environ)
        if refusal is not None:
            raise refusal
        self._viewers.serve(environ, WEBSOCKET, *self._subscription(environ, WEBSOCKET))
        return ()

    def _lines(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        subscription = self._subscription(environ, LINES)
        if environ["REQUEST_METHOD"] == "HEAD":
            return respond(start_response, Answer("200 OK", LINES_HEADERS))
        self._viewers.serve(environ, LINES, *subscription)
        return ()

    def _subscription(self, environ: WSGIEnvironment, kind: Kind) -> tuple[Selection, Join]:
        """Return what a viewer's query selects, and how it joins. Has its sections collected. Raises HTTPError."""
        if self._fleet is not None and is_given(environ["QUERY_STRING"], "hosts"):
            return _overview(environ, kind), self._fleet.join
        query = Query(environ["QUERY_STRING"], STREAM_PARAMETERS)
        feed = self._feed(environ, query)
        choice = Choice(
            kind.framing,
            feed.host.id,
            query.maybe_names("sections", feed.section_names),
            query.whole_number("every", 1, 1, MAX_EVERY),
        )
        resume = Resume(
            query.maybe_seconds("history"),
            query.whole_number("since", 0, 0, MAX_SEQ),
            stream=query.text("stream"),
        )
        feed.demand.want(choice.sections)
        maybe_resume = resume if "history" in query or "since" in query else None
        return choice, lambda client, user: feed.join(client, maybe_resume, user)

    def _feed(self, environ: WSGIEnvironment, query: Query) -> Feed:
        """Return the feed that a request is about: that of ``host``, or the first one.

        Raises HTTPError 404 for an unknown host, 503 if there is no feed yet, and 400 if one must be named.
        """
        host = query.text("host")
        if self._fleet is not None:
            feed, wait_filled = _of_fleet(self._fleet, host)
            with environ[WAITING]():
                wait_filled(FILL_SECONDS)
            return feed
        try:
            return self._stream.feed(host)
        except LookupError:
            if host is not None:
                raise _unknown(host) from None
            raise _unavailable("No host has been added yet") from None

    def _sample(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], ("host", "sections"))
        feed = self._feed(environ, query)
        sections = query.maybe_names("sections", feed.section_names)
        seq = feed.seq
        is_new_demand = feed.demand.want(sections)
        if is_new_demand or not feed.has(sections or ()):
            with environ[WAITING]():
                feed.wait_newer(seq if is_new_demand else 0, sections or (), FRESH_SECONDS)
        sample = feed.maybe_latest(sections)
        if sample is None:
            raise _unavailable("No sample available yet")
        return respond_json(start_response, sample)

    def _history(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], HISTORY_PARAMETERS)
        feed = self._feed(environ, query)
        resume = Resume(
            query.maybe_seconds("seconds"),
            query.whole_number("since", 0, 0, MAX_SEQ),
            query.maybe_whole_number("before", 0, MAX_SEQ),
            query.text("stream"),
        )
        sections = query.maybe_names("sections", feed.section_names)
        every = query.whole_number("every", 1, 1, MAX_EVERY)
        brief = query.whole_number("brief", 0, 0, 1) == 1
        feed.demand.want(sections)
        credential = environ[CREDENTIAL]

        def checked(piece: bytes) -> bytes:
            """Break the answer off when the request would not be accepted any more."""
            if not self._access.is_valid(credential):
                raise PeerGoneError("the token or the login has ended")
            return piece

        # With map, a piece is not kept while it is written to a slow client.
        history = feed.history(resume, sections, every=every, brief=brief)
        compressed = accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        pieces = map(checked, gzipped(history) if compressed else history)
        return respond_json_pieces(start_response, pieces, is_compressed=compressed)

    def _processes(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], PROCESSES_PARAMETERS)
        page = process_page(environ, self._feed(environ, query), query)
        return respond_json(start_response, page)

    def _clients(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        Query(environ["QUERY_STRING"], ())
        stats = self._viewers.totals()
        report = {
            "clients": self._viewers.report(_may_identify(environ)),
            "registered_total": stats.registered,
            "sent_frames_total": stats.sent,
            "dropped_frames_total": stats.dropped,
            "refused_frames_total": stats.refused,
            "refused_viewers_total": self._viewers.refused,
            "refused_tokens_total": self._access.refused_tokens,
            "ended_total": stats.ended,
        }
        return respond_json(start_response, to_json(report))

    def _alerts(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], ("host",))
        if self._fleet is not None:
            found = _alerts_in_fleet(self._fleet, query.text("host"))
        else:
            feed = self._feed(environ, query)
            found = {"host": feed.host.id, **feed.alerts}
        return respond_json(start_response, to_json(found))

    def _metrics(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], ())
        feed = self._maybe_own_feed(environ, query)
        if feed is not None:
            seq = feed.seq
            if feed.demand.want(feed.section_names, SCRAPE_SECONDS):
                with environ[WAITING]():
                    feed.wait_newer(seq, (), FRESH_SECONDS)
        if self._page is None:
            self._page = self._make_page()
        return self._page.serve(environ, start_response, feed)

    def close(self) -> None:
        """End what scrapes have started."""
        if self._page is not None:
            self._page.close()

    def _maybe_own_feed(self, environ: WSGIEnvironment, query: Query) -> Feed | None:
        """Return the feed of this host, or None if a front end does not sample it."""
        if self._fleet is not None and not self._fleet.has_own:
            return None
        return self._feed(environ, query)

    def _hosts(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        Query(environ["QUERY_STRING"], ())
        credential: Credential | None = environ[CREDENTIAL]
        user = credential.token.name if credential else None
        report = _existing(self._fleet).report()
        report |= {"version": self._stream.version, "user": user}
        return respond_json(start_response, to_json(report))

    def _sparklines(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        ids = Query(environ["QUERY_STRING"], ("hosts",)).list_of("hosts", MAX_SPARKLINES)
        found = _existing(self._fleet).sparklines(ids)
        return respond_json(start_response, to_json({"sparklines": found}))

    def _login(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return respond(start_response, self._access.log_in(environ))

    def _logout(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._access.log_out(environ)
        self._viewers.close_revoked()  # the other tabs of the browser
        return respond(start_response, answer)

    def _healthz(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with environ[WAITING]():
            problem = self._maybe_problem()
        if problem is not None:
            # The reason is only for clients with a token.
            reason = "Not healthy" if environ[UNAUTHENTICATED] else problem
            raise HTTPError("503 Service Unavailable", reason)
        return respond_json(start_response, b'{"status":"ok"}')


def _existing(fleet: Fleet | None) -> Fleet:
    """Return the fleet, without which its routes are not in the table."""
    if fleet is None:
        raise HTTPError("404 Not Found", "This program watches no other host")
    return fleet


def _of_fleet(fleet: Fleet, host: str | None) -> tuple[Feed, Callable[[float], bool]]:
    """Return a host's feed, and the function that waits until it has what the host remembers. Raises HTTPError."""
    from ..fleet.hosts import UnknownHostError  # noqa: PLC0415  # it is loaded
    from ..fleet.mirrors import NotWatchableError  # noqa: PLC0415

    try:
        return fleet.feed(host)
    except UnknownHostError:
        raise _unknown_in_fleet(host) from None
    except NotWatchableError as error:
        raise _unavailable(str(error)) from None


def _alerts_in_fleet(fleet: Fleet, host: str | None) -> dict[str, Any]:
    """Return the alerts of a host of a front end. Raises HTTPError."""
    from ..fleet.hosts import UnknownHostError  # noqa: PLC0415  # it is loaded

    try:
        return fleet.alerts(host)
    except UnknownHostError:
        raise _unknown_in_fleet(host) from None


def _unknown_in_fleet(host: str | None) -> HTTPError:
    if host is None:
        reason = "This front end does not sample its own host (name a host of /api/v1/hosts)"
        return HTTPError("400 Bad Request", reason)
    return _unknown(host)


def _overview(environ: WSGIEnvironment, kind: Kind) -> Selection:
    """Return what the query of an overview selects. Raises HTTPError 400."""
    from ..fleet.overview import OverviewChoice, Selected  # noqa: PLC0415  # it is loaded
    from ..fleet.remote import FIELDS  # noqa: PLC0415

    query = Query(environ["QUERY_STRING"], OVERVIEW_PARAMETERS)
    query.one_of("hosts", ("*",))
    selected = Selected(
        tags=query.list_of("tag", MAX_TAGS),
        site=query.text("site"),
        top=query.whole_number("top", 0, 1, MAX_TOP) or None,
        by=query.one_of("by", FIELDS),
    )
    return OverviewChoice(kind.framing, selected, query.whole_number("every", 1, 1, MAX_EVERY))


def _unknown(host: str) -> HTTPError:
    return HTTPError("404 Not Found", f"Unknown host {quoted(host)}")


def _unavailable(reason: str) -> HTTPError:
    return HTTPError("503 Service Unavailable", reason, (("Retry-After", "1"),))


def _may_identify(environ: WSGIEnvironment) -> Callable[[Viewer], bool]:
    """Return which viewers' addresses and token names are shown to the client of this request.

    With a token, those of viewers with the same token. Without tokens, all of them, but only to clients on this host.
    """
    credential: Credential | None = environ[CREDENTIAL]
    if credential is None:
        is_local = is_loopback(environ["REMOTE_ADDR"])
        return lambda _: is_local
    token = credential.token
    return lambda viewer: viewer.credential is not None and viewer.credential.token == token
