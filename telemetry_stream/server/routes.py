"""Every route, in one visible table, as one WSGI application.

What a route raises as HTTPError becomes JSON ``{"error": …}``. What is in no table is the dashboard's built files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from ..access.access import Access
from ..access.login import STRANGER, log_out
from ..metrics.sources import DEAR
from ..net.answer import LINES_HEADERS, Answer, HTTPError, error, json_body, json_pieces, whole
from ..stream import Choice, Framing, Resume, Stream, to_json
from ..websocket.handshake import maybe_refuse
from . import lines
from .query import MAX_EVERY, MAX_SEQ, Query
from .viewers import WEBSOCKET_FRAMING, Viewers

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

# How long a request for a section that nobody was watching waits for the next sample, which has it.
FRESH_SECONDS = 3.0

# The sections with dear parts that /metrics shows, and for how long after a scrape they are collected: the next one
# finds them when it comes within a minute, as it does by default.
SCRAPED = ("processes", "tcp")
SCRAPE_SECONDS = 75.0

STREAM_PARAMETERS = ("every", "sections", "history", "since", "stream")

Route = Callable[[Any, Any], Iterable[bytes]]


class Routes:
    """The WSGI application.

    ``want(sections)`` is told of whoever comes for these sections (None: all that come unasked), and
    ``want(sections, seconds)`` that it will come again within so long. It answers whether the newest sample is old, and
    a new one is being taken. ``maybe_problem`` says why the program is not healthy, or None that it is;
    ``refused_connections`` how many the listener has turned away.
    """

    def __init__(
        self,
        *,
        stream: Stream,
        viewers: Viewers,
        access: Access,
        section_names: Collection[str],
        want: Callable[..., object],
        maybe_problem: Callable[[], str | None],
        refused_connections: Callable[[], int],
        pages: WSGIApplication,
    ) -> None:
        self._stream = stream
        self._viewers = viewers
        self._access = access
        self._section_names = tuple(section_names)
        self._want = want
        self._maybe_problem = maybe_problem
        self._refused_connections = refused_connections
        self._pages = pages
        self._table: dict[str, Route] = {
            "/ws": self._websocket,
            "/api/v1/sample": self._sample,
            "/api/v1/history": self._history,
            "/api/v1/stream": self._lines,
            "/api/v1/clients": self._clients,
            "/healthz": self._healthz,
            "/metrics": self._metrics,
            "/logout": self._logout,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        try:
            answer = self._access.check(environ)
            if answer is not None:
                return whole(start_response, answer)
            return self._route(environ)(environ, start_response)
        except HTTPError as failure:
            return error(start_response, failure)

    def _route(self, environ: WSGIEnvironment) -> Route:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        methods = ("POST",) if path == "/logout" else ("GET", "HEAD")
        if method not in methods:
            raise HTTPError(
                "405 Method Not Allowed",
                f"{method} is not served here, only {' and '.join(methods)}",
                (("Allow", ", ".join(methods)),),
            )
        return self._table.get(path, self._pages)

    def _websocket(self, environ: WSGIEnvironment, _: StartResponse) -> Iterable[bytes]:
        refusal = maybe_refuse(environ)
        if refusal is not None:
            raise HTTPError(*refusal)
        self._viewers.websocket(environ, *self._wish(environ, WEBSOCKET_FRAMING))
        return ()

    def _lines(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wish = self._wish(environ, lines.FRAMING)
        if environ["REQUEST_METHOD"] == "HEAD":
            return whole(start_response, Answer("200 OK", LINES_HEADERS))
        self._viewers.lines(environ, *wish)
        return ()

    def _wish(self, environ: WSGIEnvironment, framing: Framing) -> tuple[Choice, Resume | None]:
        """What a viewer's query asks for."""
        query = Query(environ["QUERY_STRING"], STREAM_PARAMETERS)
        choice = Choice(
            framing,
            query.maybe_names("sections", self._section_names),
            query.whole_number("every", 1, 1, MAX_EVERY),
        )
        resume = Resume(
            query.maybe_seconds("history"),
            query.whole_number("since", 0, 0, MAX_SEQ),
            query.text("stream"),
        )
        self._want(choice.sections)
        return choice, resume if "history" in query or "since" in query else None

    def _sample(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], ("sections",))
        sections = query.maybe_names("sections", self._section_names)
        seq, dear = self._stream.seq, DEAR.intersection(sections or ())
        if self._want(sections):
            self._stream.wait_newer(seq, dear, FRESH_SECONDS)
        elif dear and self._stream.lacks(dear):
            self._stream.wait_newer(0, dear, FRESH_SECONDS)
        sample = self._stream.maybe_latest(sections)
        if sample is None:
            raise HTTPError(
                "503 Service Unavailable", "there is no sample yet", (("Retry-After", "1"),)
            )
        return json_body(start_response, sample)

    def _history(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = Query(environ["QUERY_STRING"], ("seconds", "sections"))
        resume = Resume(query.maybe_seconds("seconds"))
        sections = query.maybe_names("sections", self._section_names)
        self._want(sections)
        return json_pieces(start_response, self._stream.history(resume, sections))

    def _clients(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        Query(environ["QUERY_STRING"], ())
        stats = self._viewers.totals()
        report = {
            "clients": self._viewers.report(),
            "registered_total": stats.registered,
            "sent_frames_total": stats.sent,
            "dropped_frames_total": stats.dropped,
            "refused_frames_total": stats.refused,
            "refused_viewers_total": self._viewers.refused,
            "refused_tokens_total": self._access.refused_tokens,
            "ended_total": stats.ended,
        }
        return json_body(start_response, to_json(report))

    def _metrics(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        Query(environ["QUERY_STRING"], ())
        try:
            from . import prometheus  # noqa: PLC0415  # http.server and ssl: some MiB that few want
        except ModuleNotFoundError as failure:
            if failure.name != "prometheus_client":
                raise
            raise HTTPError(
                "501 Not Implemented",
                "/metrics needs the package prometheus-client; "
                "install it with: pip install 'telemetry_stream[prometheus]'",
            ) from None
        seq = self._stream.seq
        if self._want(SCRAPED, SCRAPE_SECONDS):
            self._stream.wait_newer(seq, (), FRESH_SECONDS)
        return prometheus.serve(
            environ,
            start_response,
            stream=self._stream,
            viewers=self._viewers,
            refused_connections=self._refused_connections(),
            refused_tokens=self._access.refused_tokens,
        )

    def _logout(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return whole(start_response, log_out(environ))

    def _healthz(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        problem = self._maybe_problem()
        if problem is not None:
            told = "not ok" if environ[STRANGER] else problem
            raise HTTPError("503 Service Unavailable", told)
        return json_body(start_response, b'{"status":"ok"}')
