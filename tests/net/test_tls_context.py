"""The server's TLS context: versions, options, and errors for files that cannot be used."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from telemetry_stream.net.certificate import CertificateError
from telemetry_stream.net.tls_context import server_context
from tests.net.pairs import CERTIFICATE

PEM = str(CERTIFICATE)
ENCRYPTED_KEY = Path(__file__).parent.parent / "fixtures/tls/encrypted-key.pem"


def test_versions_and_options() -> None:
    """TLS 1.2 and newer, no renegotiation, and a stream that is cut off has no regular end."""
    context = server_context(PEM, PEM)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("large", "good"), "large is larger than 1024 KiB"),
        (("good", "large"), "large is larger than 1024 KiB"),
        (("missing", "good"), "missing cannot be read: No such file"),
        (("good", "missing"), "missing cannot be read: No such file"),
        (("nonsense", "good"), "cannot be used"),
        (("good", "nonsense"), "cannot be used"),
        (("good", "other"), "cannot be used: key values mismatch"),
        (("good", "encrypted"), "cannot be used"),
        (("good", "folder"), "is not a file"),
    ],
)
def test_error_is_one_sentence_that_names_the_file(
    names: tuple[str, str], reason: str, tmp_path: Path
) -> None:
    """An encrypted key is an error too: OpenSSL does not ask for its password on the terminal."""
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("-----BEGIN NONSENSE-----\n")
    large = tmp_path / "large"
    large.write_text(" " * (1024 * 1024 + 1))
    paths = {
        "large": str(large),
        "good": PEM,
        "missing": str(tmp_path / "missing"),
        "nonsense": str(nonsense),
        "other": str(CERTIFICATE.parent / "other.pem"),
        "encrypted": str(ENCRYPTED_KEY),
        "folder": str(tmp_path),
    }
    with pytest.raises(CertificateError, match=reason) as caught:
        server_context(paths[names[0]], paths[names[1]])
    assert len(str(caught.value).splitlines()) == 1
