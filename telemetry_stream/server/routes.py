"""Every route, in one visible table, as one WSGI application.

An HTTPError that a route raises becomes JSON, ``{"error": …}``. A path that is not in the table is looked up among the
dashboard's built files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

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
from ..stream import Choice, Resume, to_json
from ..websocket.handshake import maybe_refuse
from .forwarded_limit import ForwardedLimit
from .hosts import StreamHosts, unavailable
from .processes import PROCESSES_PARAMETERS, process_page
from .query import MAX_EVERY, MAX_SEQ, Query
from .registry import Selection, Viewer
from .viewers import LINES, WEBSOCKET, Join, Kind, Viewers

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ..prometheus.page import Page
    from .fleet import FleetHosts
    from .notifications import Notifications

# How long a request waits for the next sample, if the newest one is old or has not all of the requested sections.
FRESH_SECONDS = 3.0

# All on-demand sections are collected for this long after a scrape: until the next one, if that comes within a minute,
# which is the default of Prometheus.
SCRAPE_SECONDS = 75.0

STREAM_PARAMETERS = ("host", "every", "sections", "history", "since", "stream")
HISTORY_PARAMETERS = ("host", "seconds", "since", "before", "stream", "every", "sections", "brief")
# Of the routes that do not only read.
METHODS = {
    "/login": ("POST",),
    "/logout": ("POST",),
    "/api/v1/silences": ("GET", "HEAD", "POST", "DELETE"),
}


class Routes:
    """The WSGI application.

    ``hosts`` are those that a request may name.
    ``maybe_problem()`` returns why the program is not healthy, or None if it is.
    ``make_page()`` returns the Prometheus page; the first scrape calls it.
    ``per_forwarded_address`` limits the requests in progress of each client behind a trusted proxy.
    ``notifications`` has the routes of receivers and silences, None if there is no receiver.
    """

    def __init__(
        self,
        *,
        hosts: StreamHosts | FleetHosts,
        viewers: Viewers,
        access: Access,
        maybe_problem: Callable[[], str | None],
        make_page: Callable[[], Page],
        pages: WSGIApplication,
        per_forwarded_address: PerAddress,
        notifications: Notifications | None = None,
    ) -> None:
        self._hosts = hosts
        self._viewers = viewers
        self._access = access
        self._maybe_problem = maybe_problem
        self._make_page = make_page
        self._pages = pages
        self._page: Page | None = None
        self._limit = ForwardedLimit(per_forwarded_address)
        self._table: dict[str, WSGIApplication] = {
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
        self._table |= hosts.routes
        if notifications is not None:
            self._table |= notifications.routes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        self._access.identify(environ)
        try:
            return self._limit.hold(environ, lambda: self._answer(environ, start_response))
        except HTTPError as failure:
            return respond_error(start_response, failure)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            answer = self._access.maybe_answer(environ)
            if answer is not None:
                return respond(start_response, answer)
            return self._route(environ)(environ, start_response)
        except HTTPError as failure:
            return respond_error(start_response, failure)

    def _route(self, environ: WSGIEnvironment) -> WSGIApplication:
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
        overview = self._hosts.maybe_overview(environ, kind)
        if overview is not None:
            return overview
        query = Query(environ["QUERY_STRING"], STREAM_PARAMETERS)
        feed = self._hosts.feed(environ, query.maybe_text("host"))
        choice = Choice(
            kind.framing,
            feed.host.id,
            query.maybe_names("sections", feed.section_names),
            query.whole_number("every", 1, 1, MAX_EVERY),
        )
        resume = Resume(
            query.maybe_seconds("history"),
            query.whole_number("since", 0, 0, MAX_SEQ),
            stream=query.maybe_text("stream"),
        )
        feed.demand.want(choice.sections)
        maybe_resume = resume if "history" in query or "since" in query else None
        return choice, lambda client, user: feed.join(client, maybe_resume, user)

    def _sample(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], ("host", "sections"))
        feed = self._hosts.feed(environ, query.maybe_text("host"))
        sections = query.maybe_names("sections", feed.section_names)
        seq = feed.seq
        is_new_demand = feed.demand.want(sections)
        if is_new_demand or not feed.has(sections or ()):
            with environ[WAITING]():
                feed.wait_newer(seq if is_new_demand else 0, sections or (), FRESH_SECONDS)
        sample = feed.maybe_latest(sections)
        if sample is None:
            raise unavailable("No sample available yet")
        return respond_json(start_response, sample)

    def _history(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], HISTORY_PARAMETERS)
        feed = self._hosts.feed(environ, query.maybe_text("host"))
        resume = Resume(
            query.maybe_seconds("seconds"),
            query.whole_number("since", 0, 0, MAX_SEQ),
            query.maybe_whole_number("before", 0, MAX_SEQ),
            query.maybe_text("stream"),
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
        page = process_page(environ, self._hosts.feed(environ, query.maybe_text("host")), query)
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
        found = self._hosts.alerts(environ, query.maybe_text("host"))
        return respond_json(start_response, to_json(found))

    def _metrics(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        Query(environ["QUERY_STRING"], ())
        feed = self._hosts.maybe_own_feed(environ)
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
