"""Certificate: loading, reloading, and that ``ssl`` is imported for a certificate only."""

from __future__ import annotations

import logging
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_stream.net.certificate import Certificate, CertificateError
from tests.net.pairs import CERTIFICATE

PEM = str(CERTIFICATE)
OTHER = CERTIFICATE.parent / "other.pem"


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A file with certificate and key that can be replaced."""
    path = tmp_path / "pair.pem"
    path.write_bytes(CERTIFICATE.read_bytes())
    return path


def loaded(path: Path) -> Certificate:
    """Return the certificate of this file."""
    certificate = Certificate(str(path), str(path))
    certificate.load()
    return certificate


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("/dev/null/nonexistent", PEM), "/dev/null/nonexistent cannot be read"),
        ((PEM, str(OTHER)), "cannot be used: key values mismatch"),
    ],
)
def test_files_that_cannot_be_used_are_an_error_at_the_start(
    paths: tuple[str, str], message: str
) -> None:
    """The program must not start without TLS instead."""
    with pytest.raises(CertificateError, match=message):
        Certificate(*paths).load()


def test_reload_makes_a_new_context(pair: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The previous context is not changed, since connections use it."""
    caplog.set_level(logging.INFO)
    certificate = loaded(pair)
    previous = certificate.context
    pair.write_bytes(OTHER.read_bytes())
    certificate.reload()
    assert isinstance(certificate.context, ssl.SSLContext)
    assert certificate.context is not previous
    assert caplog.messages == [f"Certificate reloaded: {pair}"]


def test_a_failed_reload_keeps_the_previous_context(
    pair: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It writes one line into the log, if the file is malformed and if it is missing."""
    certificate = loaded(pair)
    previous = certificate.context
    pair.write_text("nonsense")
    certificate.reload()
    pair.unlink()
    certificate.reload()
    assert certificate.context is previous
    assert [message.partition(": /")[0] for message in caplog.messages] == [
        "Reload failed, keeping the previous certificate"
    ] * 2


def test_without_a_certificate_there_is_no_context(caplog: pytest.LogCaptureFixture) -> None:
    """A reload changes and logs nothing."""
    caplog.set_level(logging.INFO)
    certificate = Certificate("", "")
    certificate.load()
    certificate.reload()
    assert certificate.context is None
    assert caplog.messages == []


def test_ssl_is_imported_for_a_certificate_only() -> None:
    """A server without TLS does not need it."""
    code = (
        "import sys\n"
        "from telemetry_stream.net.certificate import Certificate\n"
        "Certificate('', '').load()\nassert 'ssl' not in sys.modules\n"
        f"Certificate({PEM!r}, {PEM!r}).load()\nassert 'ssl' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
