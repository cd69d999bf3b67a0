"""The security headers of every response, including errors and refused connections. No other module sets a policy."""

from __future__ import annotations

from ..net.answer import Headers
from .login_page import SCRIPT_SOURCE, STYLE_SOURCE


def security_headers(frame_ancestors: str = "'none'") -> Headers:
    """Return the headers. ``frame_ancestors`` are the pages that may embed ours, in the syntax of CSP Level 3."""
    # The dashboard loads its own files and connects to its own server. It contains the icon that it shows when the
    # server is gone. The login page has an inline style and script.
    policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'"
    inline = f"script-src 'self' {SCRIPT_SOURCE}; style-src 'self' {STYLE_SOURCE}"
    return (
        ("Content-Security-Policy", f"{policy}; {inline}; frame-ancestors {frame_ancestors}"),
        # Pages of other sites cannot load our responses as images or scripts, however a browser uses them.
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    )
