"""E-mail against a real server: STARTTLS, TLS, logins, refusals and servers that hang."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from ports import bound_socket

from telemetry_stream.notify import mail as module
from telemetry_stream.notify.channel import DeliveryError
from telemetry_stream.notify.mail import Mail
from telemetry_stream.notify.secret import Secret
from tests.conftest import eventually
from tests.notify.alerts import event, message
from tests.notify.servers import CERTIFICATE, SmtpReceiver, smtp_receiver

PLAIN = Mail("localhost", 0, "none", "", None, "host@example.org", ("a@b.org", "c@d.org"), "")


def to(receiver: SmtpReceiver, security: str = "none") -> Mail:
    """Return the channel for a server."""
    return replace(PLAIN, port=receiver.port, security=security, ca=str(CERTIFICATE))


def failure(mail: Mail) -> str:
    """Return why a message was not accepted."""
    with pytest.raises(DeliveryError) as caught:
        mail.sender().send(message())
    return str(caught.value)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_message_is_one_mail(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To all addresses, after a login, whose password no error has."""
    monkeypatch.setenv("WORD", "hunter2")
    with smtp_receiver(security) as receiver:
        mail = replace(to(receiver, security), user="me", password=Secret(variable="WORD"))
        mail.sender().send(message(event(text="92 % full, ü")))
        ((login, addresses, text),) = receiver.mails
        assert login == "\0me\0hunter2"
        assert addresses == ["RCPT TO:<A@B.ORG>", "RCPT TO:<C@D.ORG>"]
        assert "Subject: warning: web1: disk_full" in text
        assert "To: a@b.org, c@d.org" in text
        assert "Auto-Submitted: auto-generated" in text
        receiver.replies["AUTH"] = "535 hunter2 is wrong"
        assert failure(mail) == "it refuses the login with code 535"


def test_a_server_without_starttls_gets_no_mail() -> None:
    """Nothing is sent without encryption instead."""
    with smtp_receiver() as receiver:
        assert "does not offer STARTTLS" in failure(to(receiver, "starttls"))
        assert receiver.mails == []


def test_certificates_are_verified() -> None:
    """With TLS from the beginning and after STARTTLS."""
    for security in ("starttls", "tls"):
        with smtp_receiver(security) as receiver:
            assert "certificate is not valid" in failure(replace(to(receiver, security), ca=""))
            assert receiver.mails == []


@pytest.mark.parametrize(
    ("verb", "reply", "reason"),
    [
        ("EHLO", "421 busy", "it answers with code 421"),
        ("MAIL", "550 no", "it answers with code 550"),
        ("RCPT", "550 no such user", "it refuses the addresses with code 550"),
        ("DATA", "554 no", "it answers with code 554"),
    ],
)
def test_a_refusal_is_a_failure(verb: str, reply: str, reason: str) -> None:
    """The texts of the server are not repeated: they may repeat what it got."""
    with smtp_receiver() as receiver:
        receiver.replies[verb] = reply
        receiver.replies["HELO"] = reply
        assert failure(to(receiver)) == reason


def test_a_server_that_hangs_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """And can be aborted before."""
    monkeypatch.setattr(module, "ATTEMPT_SECONDS", 0.2)
    with smtp_receiver() as receiver:
        receiver.replies["MAIL"] = "250-goes on"  # without an end
        assert "in time" in failure(to(receiver)) or "lost" in failure(to(receiver))
        monkeypatch.setattr(module, "ATTEMPT_SECONDS", 30.0)
        sender = to(receiver).sender()
        errors: list[DeliveryError] = []

        def send() -> None:
            try:
                sender.send(message())
            except DeliveryError as error:
                errors.append(error)

        thread = threading.Thread(target=send)
        receiver.verbs.clear()
        thread.start()
        assert eventually(lambda: "MAIL" in receiver.verbs)
        sender.abort()
        thread.join(10)
        assert errors


@pytest.mark.parametrize("verb", ["EHLO", "MAIL"])
def test_a_reply_without_an_end_is_not_kept(verb: str) -> None:
    """A server could fill the memory until the deadline."""
    with smtp_receiver() as receiver:
        receiver.replies[verb] = f"250-{'x' * 4000}\r\n" * 50
        assert failure(to(receiver)) == "its replies are too long"


def test_a_reply_in_small_parts_has_the_deadline_of_the_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not one for each part."""
    monkeypatch.setattr(module, "ATTEMPT_SECONDS", 0.5)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            sock, _ = listener.accept()
            with sock:
                try:
                    while not ended.wait(0.02):
                        sock.sendall(b"2")
                except OSError:
                    pass  # the client has gone

        thread = threading.Thread(target=drip)
        thread.start()
        found: list[str] = []
        mail = replace(PLAIN, port=listener.getsockname()[1])
        sending = threading.Thread(target=lambda: found.append(failure(mail)))
        sending.start()
        try:
            assert eventually(lambda: found == ["no complete answer in time"])
        finally:
            ended.set()
            sending.join(30)
            thread.join(30)


def test_addresses_that_are_refused_are_shown() -> None:
    """The others have got the message, so it is not repeated."""
    with smtp_receiver() as receiver:
        receiver.replies["RCPT TO:<C@D.ORG>"] = "451 hunter2 is greylisted"
        with pytest.raises(DeliveryError) as caught:
            to(receiver).sender().send(message())
        assert len(receiver.mails) == 1
    assert str(caught.value) == "it accepts the message, but refuses c@d.org with code 451"
    assert caught.value.is_delivered


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """And a password that is not."""
    with bound_socket() as held:  # it does not listen
        mail = replace(PLAIN, port=held.getsockname()[1])
        assert failure(mail) == "Connection refused"
    missing = replace(mail, user="me", password=Secret(str(tmp_path / "password")))
    assert "cannot be read" in failure(missing)


def test_a_name_cannot_add_a_header() -> None:
    """Nor a second message."""
    found = module.composed(PLAIN, message(event(host="a\r\nBcc: x@y.z", text="b\r\n.\r\nMAIL")))
    assert "Bcc" not in found
    assert "\\x0d\\x0aBcc" in found["Subject"]
    assert "b\\x0d\\x0a." in found.get_content()
