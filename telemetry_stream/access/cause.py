"""The cause of a request: a page that a browser opens, a page of another site, or a program.

Browsers describe the cause in the headers Sec-Fetch-Site, -Mode and -Dest (https://www.w3.org/TR/fetch-metadata/),
which no page can change. They send them to https and to loopback addresses only. Programs send none, and are not
restricted by them: without these headers, a request counts as a navigation. Sec-Purpose marks what a browser loads
before the user opens it (https://fetch.spec.whatwg.org/#sec-purpose-header); any page can make it do so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# Paths for programs. Their errors are JSON even if the program accepts HTML.
API = re.compile(r"/(api/.*|ws|metrics|login|logout)", re.DOTALL)


def is_navigation(environ: Mapping[str, Any]) -> bool:
    """Return whether a window or a frame opens the address; false for images, scripts, ``fetch`` and prefetches."""
    mode = environ.get("HTTP_SEC_FETCH_MODE", "navigate")
    return mode == "navigate" and "HTTP_SEC_PURPOSE" not in environ


def may_log_in(environ: Mapping[str, Any], *, in_frames: bool) -> bool:
    """Return whether the token in the address may be used: a window opens the address, or a frame that may show it.

    ``in_frames``: pages of other sites may show ours in a frame.
    """
    dest = environ.get("HTTP_SEC_FETCH_DEST", "document")
    is_frame_allowed = in_frames or environ.get("HTTP_SEC_FETCH_SITE") == "same-origin"
    is_allowed = dest == "document" or (dest == "iframe" and is_frame_allowed)
    return is_allowed and is_navigation(environ)


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
