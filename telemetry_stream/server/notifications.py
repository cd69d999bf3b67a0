"""The routes of notifications: the state of each receiver, and silences, which requests may add and remove.

Imported only if there are receivers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..access.access import Access
from ..escape import escaped
from ..net.answer import HTTPError, respond_json
from ..net.rate_limited_log import RateLimitedLog
from ..notify.notifier import Notifier
from ..notify.silences import MAX_SECONDS, Matcher, SilenceError
from ..stream import to_json
from .query import Query, quoted

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

MAX_CHARACTERS = 2000
LOGGED = 60  # lines a minute: a client with a token can repeat its requests


class Notifications:
    """The routes. ``access`` decides who may change something."""

    def __init__(self, notifier: Notifier, access: Access) -> None:
        self._notifier = notifier
        self._access = access
        self._audit = RateLimitedLog(log, logging.INFO, burst=LOGGED)
        self.routes: dict[str, WSGIApplication] = {
            "/api/v1/notifications": self._show,
            "/api/v1/silences": self._silences,
        }

    def _show(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        Query(environ["QUERY_STRING"], ())
        report = {
            "receivers": self._notifier.report(),
            "dropped_notes_total": self._notifier.dropped_notes,
        }
        return respond_json(start_response, to_json(report))

    def _silences(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """List silences, add one or remove one. The parameters are in the query, because no body is read."""
        method, query = environ["REQUEST_METHOD"], environ["QUERY_STRING"]
        if method == "POST":
            found = self._add(environ, query)
        elif method == "DELETE":
            found = self._remove(environ, query)
        else:
            Query(query, ())
            current = self._notifier.silences.current()
            found = {"silences": [silence.report() for silence in current]}
        return respond_json(start_response, to_json(found))

    def _add(self, environ: WSGIEnvironment, text: str) -> dict[str, Any]:
        user = self._access.check_write(environ)
        known = ("rule", "severity", "host", "labels", "seconds", "comment")
        query = Query(text, known)
        try:
            silence = self._notifier.silences.add(
                Matcher(
                    query.short_text("rule", MAX_CHARACTERS),
                    query.short_text("severity", MAX_CHARACTERS),
                    query.short_text("host", MAX_CHARACTERS),
                    _labels(query),
                ),
                query.whole_number("seconds", 0, 1, MAX_SECONDS),
                by=user,
                comment=query.short_text("comment", MAX_CHARACTERS),
            )
        except SilenceError as error:
            raise HTTPError("400 Bad Request", f"No silence was added: {error}") from None
        report = silence.report()
        self._log(environ, user, f"added: {to_json(report).decode()}")
        return report

    def _remove(self, environ: WSGIEnvironment, text: str) -> dict[str, Any]:
        user = self._access.check_write(environ)
        number = Query(text, ("id",)).short_text("id", MAX_CHARACTERS)
        if not self._notifier.silences.remove(number):
            raise HTTPError("404 Not Found", f"There is no silence {quoted(number)}")
        self._log(environ, user, f"removed: {number}")
        return {"removed": number}

    def _log(self, environ: WSGIEnvironment, user: str, change: str) -> None:
        who = f"token {user}" if user else "no token"
        self._audit.log("Silence by %s from %s %s", who, environ["REMOTE_ADDR"], escaped(change))


def _labels(query: Query) -> dict[str, str]:
    """Return the labels in ``labels=device=sda,mountpoint=/srv``. Raises HTTPError 400."""
    found: dict[str, str] = {}
    for pair in query.list_of("labels", 100):
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise HTTPError("400 Bad Request", "labels must have the form name=value,name=value")
        found[name] = value
    return found
