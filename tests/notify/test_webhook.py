"""Webhooks against a real server: TLS, statuses, and servers that do not answer as they should."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_stream.notify import webhook as module
from telemetry_stream.notify.channel import DeliveryError
from telemetry_stream.notify.secret import Secret
from telemetry_stream.notify.webhook import AddressError, Login, Webhook, checked_url
from tests.conftest import eventually
from tests.notify.alerts import message
from tests.notify.servers import (
    CERTIFICATE,
    OTHER_CERTIFICATE,
    Answer,
    HttpReceiver,
    Request,
    http_receiver,
)

PLAIN = Webhook("json", "", None, Login(), "", False, "", 0.0)


def to(receiver: HttpReceiver, path: str = "/in") -> Webhook:
    """Return the channel for a server."""
    return replace(PLAIN, url=receiver.url + path)


def failure(webhook: Webhook) -> DeliveryError:
    """Return why a message was not accepted."""
    with pytest.raises(DeliveryError) as caught:
        webhook.sender().send(message())
    return caught.value


def test_a_message_is_one_request() -> None:
    """With the host of the URL, its query, and a length."""
    with http_receiver() as receiver:
        to(receiver, "/in?a=1").sender().send(message())
        (request,) = receiver.requests
        assert (request.method, request.path) == ("POST", "/in?a=1")
        assert request.headers["Host"] == f"localhost:{receiver.port}"
        assert request.headers["Content-Type"] == "application/json"
        assert request.json == message().report()


def test_a_login_is_sent(tmp_path: Path) -> None:
    """A token, or a name with a password. Both are read for each message."""
    (tmp_path / "secret").write_text("first\n")
    secret = Secret(str(tmp_path / "secret"))
    with http_receiver() as receiver:
        token = replace(to(receiver), login=Login(secret)).sender()
        token.send(message())
        (tmp_path / "secret").write_text("second\n")
        token.send(message())
        replace(to(receiver), login=Login(None, "me", secret)).sender().send(message())
        found = [request.headers["Authorization"] for request in receiver.requests]
        assert found == ["Bearer first", "Bearer second", "Basic bWU6c2Vjb25k"]
        (tmp_path / "secret").unlink()
        assert "cannot be read" in str(failure(replace(to(receiver), login=Login(secret))))


def test_tls_is_verified() -> None:
    """A certificate of another authority, or for another name, gets nothing."""
    with http_receiver(CERTIFICATE) as receiver:
        trusted = replace(to(receiver), ca=str(CERTIFICATE))
        trusted.sender().send(message())
        assert len(receiver.requests) == 1
        assert "certificate is not valid" in str(failure(to(receiver)))
        assert "certificate is not valid" in str(
            failure(replace(trusted, ca=str(OTHER_CERTIFICATE)))
        )
        assert "cannot be used" in str(failure(replace(trusted, ca="/nonexistent")))
        plain = replace(trusted, url=trusted.url.replace("https", "http"))
        reason = str(failure(plain))
        assert any(text in reason for text in ("without an answer", "lost", "reset"))
        assert len(receiver.requests) == 1
    with http_receiver() as receiver:
        encrypted = replace(to(receiver), url=to(receiver).url.replace("http", "https"))
        assert "TLS failed" in str(failure(encrypted))


@pytest.mark.parametrize(
    ("answer", "is_final", "retry_seconds"),
    [
        (Answer(500), False, 0),
        (Answer(401), False, 0),
        (Answer(400), True, 0),
        (Answer(413), True, 0),
        (Answer(429, (("Retry-After", "30"),)), False, 30),
        (Answer(429, (("Retry-After", "9999999"),)), False, 3600),
        (Answer(503, (("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),)), False, 0),
        (Answer(301, (("Location", "http://127.0.0.1:1/"),)), False, 0),
    ],
)
def test_a_status_other_than_2xx_is_a_failure(
    answer: Answer, is_final: bool, retry_seconds: float
) -> None:
    """One of the message itself is final. Retry-After counts up to an hour. A redirect is not followed."""
    with http_receiver() as receiver:
        receiver.answer = lambda *_: answer
        error = failure(to(receiver))
        assert (error.is_final, error.retry_seconds) == (is_final, retry_seconds)
        assert str(answer.status) in str(error)
        assert "127.0.0.1:1" not in str(error)
        receiver.answer = lambda *_: Answer(204)
        to(receiver).sender().send(message())


def test_servers_that_never_end_their_answer_have_a_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are silent, or send a head byte by byte."""
    monkeypatch.setattr(module, "ATTEMPT_SECONDS", 0.2)

    def drip(_: Request, connection: socket.socket) -> Answer | None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not receiver.released.wait(0.02):
            connection.sendall(b"x")
        return None

    with http_receiver() as receiver:
        receiver.answer = receiver.hang
        assert str(failure(to(receiver))) == "no complete answer in time"
        receiver.answer = drip
        assert str(failure(to(receiver))) == "no complete answer in time"


@pytest.mark.parametrize("certificate", [None, CERTIFICATE])
@pytest.mark.parametrize(
    "part", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: x"]
)
def test_a_server_that_closes_without_an_answer(certificate: Path | None, part: bytes) -> None:
    """That is another fault than an answer that is not HTTP."""

    def close(_: Request, connection: socket.socket) -> None:
        connection.sendall(part)

    with http_receiver(certificate) as receiver:
        receiver.answer = close
        webhook = replace(to(receiver), ca=str(CERTIFICATE))
        assert str(failure(webhook)) == "it closed the connection without an answer"
        receiver.answer = lambda _, connection: connection.sendall(b"SSH-2.0-x\r\n\r\n")
        assert str(failure(webhook)) == "it answers with something other than HTTP"


def test_an_endless_head_and_an_endless_body_are_not_read() -> None:
    """The head is limited; the body is not needed."""

    def endless_head(_: Request, connection: socket.socket) -> Answer | None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 50_000)
        return None

    def endless_body(_: Request, connection: socket.socket) -> Answer | None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 10_000)

    with http_receiver() as receiver:
        receiver.answer = endless_head
        assert "other than HTTP" in str(failure(to(receiver))) or "lost" in str(
            failure(to(receiver))
        )
        receiver.answer = endless_body
        to(receiver).sender().send(message())


def test_an_attempt_can_be_aborted() -> None:
    """From another thread, at any time; a later attempt works."""
    with http_receiver() as receiver:
        receiver.answer = receiver.hang
        sender = to(receiver).sender()
        errors: list[DeliveryError] = []

        def send() -> None:
            try:
                sender.send(message())
            except DeliveryError as error:
                errors.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        assert eventually(lambda: receiver.requests)
        sender.abort()
        thread.join(10)
        assert errors
        with pytest.raises(DeliveryError, match="aborted"):
            sender.send(message())
        receiver.answer = lambda *_: Answer()
        sender.begin()
        sender.send(message())


def test_a_server_that_is_not_there() -> None:
    """Refused, or a name without an address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening
        port = unused.getsockname()[1]
        found = failure(replace(PLAIN, url=f"http://127.0.0.1:{port}/"))
        assert str(found) == "Connection refused"
    assert "looked up" in str(failure(replace(PLAIN, url="http://name.invalid/")))
    assert "host name" in str(failure(replace(PLAIN, url=f"http://{'a' * 70}/")))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://a/", "must be a URL"),
        ("https:///a", "must be a URL"),
        ("https://a:0/", "must be a URL"),
        ("https://a:99999/", "is not a valid URL"),
        ("https://user:word@a/", "no password"),
        ("https://a/#b", "no fragment"),
        ("https://a/b c", "printable"),
        ("https://a/ü", "printable"),
        ("http://a/", "without TLS"),
    ],
)
def test_a_url_that_is_not_allowed(url: str, reason: str) -> None:
    """The error does not have the URL, which may be a secret."""
    with pytest.raises(AddressError, match=reason) as caught:
        checked_url(url, has_secret=True, allow_plain=False)
    assert url not in str(caught.value)


def test_a_secret_without_tls_reaches_this_host_only() -> None:
    """Or any host, if that is allowed."""
    checked_url("http://localhost/", has_secret=True, allow_plain=False)
    checked_url("http://[::1]:80/", has_secret=True, allow_plain=False)
    checked_url("http://a/", has_secret=True, allow_plain=True)
    checked_url("http://a/", has_secret=False, allow_plain=False)


def test_the_target_has_no_path() -> None:
    """It may be a secret."""
    webhook = replace(PLAIN, url="https://ntfy.sh/topic", template="ntfy")
    assert webhook.target == "ntfy at ntfy.sh"
    assert "topic" not in repr(webhook)
    secret = replace(PLAIN, secret_url=Secret("/run/url"), template="slack")
    assert secret.target == "slack"
