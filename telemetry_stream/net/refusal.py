"""Ready-made answers, for where there is no thread or no request to make one. They carry what every answer carries."""

from __future__ import annotations


def refusal(status: bytes, message: bytes) -> bytes:
    """A whole HTTP answer with a JSON error, behind which the connection ends."""
    body = b'{"error": "%s"}' % message
    return (
        b"HTTP/1.1 %s\r\nRetry-After: 10\r\nConnection: close\r\nContent-Type: application/json\r\n"
        b"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
        b"Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\n\r\n%s"
    ) % (status, len(body), body)


REFUSAL = refusal(b"503 Service Unavailable", b"too many connections")
REFUSAL_OF_ADDRESS = refusal(b"429 Too Many Requests", b"too many connections from your address")
