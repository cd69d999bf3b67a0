"""The security headers of every answer, errors and refused connections included. This is the only policy there is."""

from __future__ import annotations

from ..net.answer import Headers
from .login_page import STYLE_SOURCE


def security_headers(frame_ancestors: str = "'none'") -> Headers:
    """Return the headers. ``frame_ancestors`` are the pages that may frame ours, as CSP spells them."""
    # The page loads its own files and connects to its own server; the login page has one inline style.
    policy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"
    styles = f"style-src 'self' {STYLE_SOURCE}"
    return (
        ("Content-Security-Policy", f"{policy}; {styles}; frame-ancestors {frame_ancestors}"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    )
