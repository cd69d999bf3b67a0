"""The hosts that a request may name, in a program that shows no others: those of its stream.

``server/fleet.py`` has those of a front end, with the same methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..net.answer import HTTPError
from ..stream import Feed, Stream
from .query import quoted

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from .registry import Selection
    from .viewers import Join, Kind


class StreamHosts:
    """The hosts of a stream. ``routes`` are those that only these hosts have: none."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.routes: dict[str, WSGIApplication] = {}

    def feed(self, _: WSGIEnvironment, host: str | None) -> Feed:
        """Return the feed of a host, the first one for None. Raises HTTPError 404, or 503 if there is none yet."""
        try:
            return self._stream.feed(host)
        except LookupError:
            if host is not None:
                raise unknown(host) from None
            raise unavailable("No host has been added yet") from None

    def maybe_own_feed(self, environ: WSGIEnvironment) -> Feed | None:
        """Return the feed of this host."""
        return self.feed(environ, None)

    def alerts(self, environ: WSGIEnvironment, host: str | None) -> dict[str, Any]:
        """Return the alerts of a host. Raises HTTPError as ``feed`` does."""
        feed = self.feed(environ, host)
        return {"host": feed.host.id, **feed.alerts}

    def maybe_overview(
        self, _environ: WSGIEnvironment, _kind: Kind
    ) -> tuple[Selection, Join] | None:
        """Return None: there is no overview of hosts."""
        return None


def unknown(host: str) -> HTTPError:
    """Return the answer to a request that names a host that does not exist."""
    return HTTPError("404 Not Found", f"Unknown host {quoted(host)}")


def unavailable(reason: str) -> HTTPError:
    """Return the answer to a request that may succeed in a second."""
    return HTTPError("503 Service Unavailable", reason, (("Retry-After", "1"),))
