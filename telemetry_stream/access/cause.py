"""The cause of a request: a page that a browser opens, a page of another site, or a program.

Browsers describe the cause in the headers Sec-Fetch-Site, -Mode and -Dest (https://www.w3.org/TR/fetch-metadata/),
which no page can change. They send them to https and to loopback addresses only. Programs send none, and are not
restricted by them: without these headers, a request counts as a navigation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Paths for programs. Their errors are JSON even if the program accepts HTML.
API = re.compile(r"/(api/.*|ws|metrics|login|logout)", re.DOTALL)


def is_navigation(environ: Mapping[str, Any]) -> bool:
    """Return whether a window or a frame opens the address; false for images, scripts and ``fetch``."""
    return bool(environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate")


def is_from_other_site(environ: Mapping[str, Any]) -> bool:
    """Return whether a page of another origin causes this request in a way that must be refused.

    A link may lead to any address. A frame may show a page, but not one of the paths for programs: a page can have
    hundreds of frames, and each would be a viewer.
    """
    if environ.get("HTTP_SEC_FETCH_SITE") not in ("cross-site", "same-site"):
        return False
    is_link = environ.get("HTTP_SEC_FETCH_DEST") == "document"
    is_allowed = is_link or API.fullmatch(environ["PATH_INFO"]) is None
    is_read = environ["REQUEST_METHOD"] in ("GET", "HEAD")
    return not (is_read and is_navigation(environ) and is_allowed)
