"""The addresses of brokers, and the files with which this program identifies itself."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from telemetry_stream.mqtt.brokers import Access, AccessError, Broker, parse_brokers

TLS = Path(__file__).parent.parent / "fixtures/tls"


def test_brokers_are_parsed_with_their_usual_ports() -> None:
    """In the order of preference; an IPv6 address has brackets."""
    assert parse_brokers("mqtts://a,mqtt://127.0.0.1:1884,mqtts://[2001:db8::1]:8884") == (
        Broker("a", 8883, True),
        Broker("127.0.0.1", 1884, False),
        Broker("2001:db8::1", 8884, True),
    )
    assert list(map(str, parse_brokers("mqtt://a,mqtts://[::1]"))) == ["a:1883", "[::1]:8883"]


@pytest.mark.parametrize("text", ["", "a", "http://a", "mqtt://u:p@a", "mqtt://a/b", "mqtt://a,"])
def test_other_addresses_are_refused(text: str) -> None:
    """Without the address in the message, since it may contain a password."""
    with pytest.raises(ValueError, match="mqtts://HOST:PORT") as caught:
        parse_brokers(text)
    assert "u:p" not in str(caught.value)


def test_the_password_is_the_first_line(tmp_path: Path) -> None:
    """It is read each time, so a replaced file is used."""
    path = tmp_path / "password"
    access = Access("host", str(path))
    for content, password in ((b"secret\nmore\n", "secret"), (b"other\r\n", "other")):
        path.write_bytes(content)
        assert access.maybe_password() == password
    assert Access("host").maybe_password() is None


@pytest.mark.parametrize("content", [None, b"", b"\nsecret", b"\xff\n", b"x" * 5000])
def test_an_unusable_password_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """In one sentence, without the content."""
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AccessError, match=str(path)) as caught:
        Access("host", str(path)).check(())
    assert "secret" not in str(caught.value)


def test_a_context_verifies_the_broker() -> None:
    """Its certificate and its name, with TLS 1.2 at least."""
    context = Access(ca=str(TLS / "localhost.pem")).context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_unusable_certificates_are_named(tmp_path: Path) -> None:
    """A CA or a client certificate that is missing or not in PEM. Without TLS they are not read."""
    bad = tmp_path / "bad.pem"
    bad.write_text("x")
    brokers = parse_brokers("mqtts://a")
    for access in (
        Access(ca="/no/such.pem"),
        Access(ca=str(bad)),
        Access(certificate=str(bad), key=str(bad)),
        Access(certificate="/no/such.pem"),
        Access(certificate=str(TLS / "encrypted-key.pem")),
    ):
        with pytest.raises(AccessError, match=access.ca or access.certificate):
            access.check(brokers)
        access.check(parse_brokers("mqtt://127.0.0.1"))
