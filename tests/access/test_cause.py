"""The cause of a request, from the headers that browsers send."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.access.cause import is_from_other_site, is_navigation, may_log_in


def request(
    site: str | None, mode: str | None, dest: str | None, path: str = "/", method: str = "GET"
) -> dict[str, Any]:
    """Return the environ of a request with these Sec-Fetch headers; None leaves a header out."""
    headers = {
        "HTTP_SEC_FETCH_SITE": site,
        "HTTP_SEC_FETCH_MODE": mode,
        "HTTP_SEC_FETCH_DEST": dest,
    }
    found = {name: value for name, value in headers.items() if value is not None}
    return {"REQUEST_METHOD": method, "PATH_INFO": path, **found}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("mode", "dest", "path", "method"),
    [
        ("no-cors", "image", "/?token=x", "GET"),
        ("no-cors", "script", "/assets/x.js", "GET"),
        ("no-cors", "empty", "/api/v1/stream", "GET"),
        ("cors", "empty", "/api/v1/history", "GET"),
        ("websocket", "empty", "/ws", "GET"),
        ("navigate", "iframe", "/api/v1/stream", "GET"),
        ("navigate", "frame", "/metrics", "GET"),
        ("navigate", "object", "/ws", "GET"),
        ("navigate", "document", "/logout", "POST"),
    ],
)
def test_requests_of_other_sites_are_recognized(
    site: str, mode: str, dest: str, path: str, method: str
) -> None:
    """Whatever a page can cause without the user, except a frame with a page."""
    assert is_from_other_site(request(site, mode, dest, path, method))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("dest", "path"),
    [("document", "/"), ("document", "/api/v1/sample"), ("document", "/metrics"), ("iframe", "/")],
)
def test_links_and_frames_with_a_page_are_allowed(site: str, dest: str, path: str) -> None:
    """The page of Prometheus has a link to /metrics, and a tile shows the dashboard in a frame."""
    assert not is_from_other_site(request(site, "navigate", dest, path))


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_our_own_page_the_user_and_programs_are_allowed(site: str | None) -> None:
    """``none`` is an address that the user has entered."""
    assert not is_from_other_site(request(site, "no-cors", "empty", "/api/v1/stream"))
    assert not is_from_other_site(request(site, None, None, "/ws"))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("navigate", True), (None, True), ("no-cors", False), ("cors", False), ("websocket", False)],
)
def test_navigation(mode: str | None, expected: bool) -> None:
    """Programs and old browsers send no header."""
    assert is_navigation(request(None, mode, None)) is expected


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_a_prefetch_is_no_navigation(purpose: str) -> None:
    """Any page can cause one with speculation rules. The other headers are those of a link."""
    link = request("cross-site", "navigate", "document", "/api/v1/stream")
    assert not is_from_other_site(link)
    link["HTTP_SEC_PURPOSE"] = purpose
    assert not is_navigation(link)
    assert is_from_other_site(link)


@pytest.mark.parametrize(
    ("site", "dest", "outside", "in_frames"),
    [
        (None, None, True, True),
        ("none", "document", True, True),
        ("cross-site", "document", True, True),
        ("cross-site", "iframe", False, True),
        ("same-site", "iframe", False, True),
        ("same-origin", "iframe", True, True),
        ("cross-site", "object", False, False),
        ("cross-site", "embed", False, False),
        ("cross-site", "frame", False, False),
    ],
)
def test_a_token_in_the_address_is_for_windows_and_allowed_frames(
    site: str | None, dest: str | None, outside: bool, in_frames: bool
) -> None:
    """A page can contain hundreds of frames. Those of other sites need ``--frame-ancestors``."""
    mode = None if dest is None else "navigate"
    assert may_log_in(request(site, mode, dest), in_frames=False) is outside
    assert may_log_in(request(site, mode, dest), in_frames=True) is in_frames
    assert not may_log_in(request(site, "no-cors", dest), in_frames=True)
