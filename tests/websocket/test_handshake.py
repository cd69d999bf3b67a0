"""Which requests open a WebSocket: tables of correct and wrong ones."""

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
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",  # from RFC 6455 section 1.3
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
def test_a_correct_request_is_accepted(changed: dict[str, str]) -> None:
    """Firefox adds keep-alive, and the tokens of both headers compare without case."""
    assert maybe_refuse({**GOOD, **changed}) is None


@pytest.mark.parametrize(
    ("changed", "status", "message"),
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
def test_a_wrong_request_is_refused(
    changed: dict[str, str | None], status: str, message: str
) -> None:
    """The answer has a status and a sentence about the error, and the headers that belong to the status."""
    environ = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    refusal = maybe_refuse(environ)
    assert refusal is not None
    assert refusal.status.startswith(f"{status} ")
    assert message in refusal.message
    headers = dict(refusal.headers)
    assert (headers.get("Sec-WebSocket-Version") == "13") == (status == "426")
    assert (headers.get("Upgrade") == "websocket") == (status == "426")
    assert (headers.get("Allow") == "GET") == (status == "405")
