"""The security headers of every response."""

from __future__ import annotations

from telemetry_stream.access.policy import security_headers


def test_the_policy_allows_nothing_inline_and_frames_only_on_configured_pages() -> None:
    """The pages that may embed ours are the only variable part of the headers."""
    headers = dict(security_headers("'self' https://home.example"))
    policy = headers.pop("Content-Security-Policy").split("; ")
    assert "unsafe" not in str(policy)
    assert "default-src 'self'" in policy
    assert policy[-1] == "frame-ancestors 'self' https://home.example"
    assert headers == {
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    assert "frame-ancestors 'none'" in str(security_headers())
