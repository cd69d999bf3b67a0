"""Which requests may become a WebSocket: tables of good and bad ones."""

from __future__ import annotations

import base64

import pytest

from telemetry_stream.websocket.handshake import maybe_refuse

GOOD = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",  # of RFC 6455 section 1.3
}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"HTTP_UPGRADE": "WebSocket"},
        {"HTTP_UPGRADE": "h2c, websocket"},
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},
        {"HTTP_CONNECTION": "upgrade"},
        {"HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(bytes(16)).decode()},
        {"HTTP_SEC_WEBSOCKET_EXTENSIONS": "permessage-deflate"},
        {"HTTP_SEC_WEBSOCKET_PROTOCOL": "größe"},
    ],
)
def test_good_requests(changed: dict[str, str]) -> None:
    """As browsers send them: Firefox says keep-alive as well, and names compare without case."""
    assert maybe_refuse({**GOOD, **changed}) is None


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"REQUEST_METHOD": "HEAD"}, "405", "GET"),
        ({"REQUEST_METHOD": "POST"}, "405", "GET"),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, "400", "HTTP/1.1"),
        ({"HTTP_UPGRADE": None}, "426", "Upgrade: websocket"),
        ({"HTTP_UPGRADE": "websockets"}, "426", "Upgrade: websocket"),
        ({"HTTP_CONNECTION": None}, "400", "Connection: Upgrade"),
        ({"HTTP_CONNECTION": "keep-alive"}, "400", "Connection: Upgrade"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": None}, "426", "''"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "8"}, "426", "'8'"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "13,8"}, "426", "'13,8'"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "9" * 1000}, "426", "'" + "9" * 20 + "'"),
        ({"HTTP_SEC_WEBSOCKET_KEY": None}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": ""}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "a"}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(bytes(15)).decode()}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": base64.b64encode(bytes(17)).decode()}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ"}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==,x"}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhl IHNhbXBsZSBub25jZQ=="}, "400", "16 bytes"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "größe"}, "400", "16 bytes"),
    ],
)
def test_bad_requests(changed: dict[str, str | None], status: str, says: str) -> None:
    """Each is refused with its status and a sentence about what is wrong."""
    environ = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    refusal = maybe_refuse(environ)
    assert refusal is not None
    assert refusal.status.startswith(f"{status} ")
    assert says in refusal.message
    headers = dict(refusal.headers)
    assert (headers.get("Sec-WebSocket-Version") == "13") == (status == "426")
    assert (headers.get("Upgrade") == "websocket") == (status == "426")
    assert (headers.get("Allow") == "GET") == (status == "405")
