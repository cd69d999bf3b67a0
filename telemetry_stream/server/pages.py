"""The dashboard's built files, served by WhiteNoise.

WhiteNoise lists the files at the first request and serves only those. No path of a request is joined to a directory.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..net.answer import HTTPError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

STATIC_ROOT = os.path.join(os.path.dirname(os.path.dirname(__file__)), "static")

# Vite puts a hash of the content into the name of every file below assets/.
HASHED = re.compile(r"^/assets/.+-[A-Za-z0-9_-]{8}\.\w+$")


def pages(root: str = STATIC_ROOT, *, front_end: bool = False) -> WSGIApplication:
    """Return an application that serves the files below ``root``, and as ``/`` the page of a host or of a front end.

    It raises HTTPError 404 for every other path.
    """
    index = "front-end.html" if front_end else "index.html"
    built = os.path.isfile(os.path.join(root, index))

    def not_found(environ: WSGIEnvironment, _: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/" and not built:
            raise HTTPError(
                "404 Not Found",
                "The dashboard is not built (run 'npm ci && npm run build' in web/); "
                "the stream is available at /ws",
            )
        raise HTTPError("404 Not Found", f"Not found: {environ['PATH_INFO'][:200]!r}")

    @functools.cache
    def files() -> WSGIApplication:
        # Most hosts send to a front end or to programs, and no browser loads their page: they save 0.8 MiB.
        from whitenoise import WhiteNoise  # type: ignore[import-untyped] # noqa: PLC0415  # without types

        found: WSGIApplication = WhiteNoise(
            not_found,
            root=root if built else None,
            index_file=index,
            max_age=0,
            allow_all_origins=False,
            immutable_file_test=lambda _, url: HASHED.match(url) is not None,
        )
        return found

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return files()(environ, start_response)

    return application
