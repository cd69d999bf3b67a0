"""The server's TLS context: versions, and sentences about files that cannot be used."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from telemetry_stream.net.tls_context import CertificateError, server_context
from tests.net.pairs import CERTIFICATE

PEM = str(CERTIFICATE)
ENCRYPTED_KEY = Path(__file__).parent.parent / "fixtures/tls/encrypted-key.pem"


def test_versions_and_options() -> None:
    """1.2 and up, no renegotiation, and a cut-off stream is no proper end."""
    context = server_context(PEM, PEM)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("missing", "good"), "missing cannot be read: No such file"),
        (("good", "missing"), "missing cannot be read: No such file"),
        (("nonsense", "good"), "cannot be used"),
        (("good", "nonsense"), "cannot be used"),
        (("good", "other"), "cannot be used: key values mismatch"),
        (("good", "encrypted"), "cannot be used"),
        (("good", "folder"), "cannot be read: Is a directory"),
    ],
)
def test_files_that_cannot_be_used(names: tuple[str, str], says: str, tmp_path: Path) -> None:
    """One sentence that names the file; a key with a password is not asked for on the terminal."""
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("-----BEGIN NONSENSE-----\n")
    paths = {
        "good": PEM,
        "missing": str(tmp_path / "missing"),
        "nonsense": str(nonsense),
        "other": str(CERTIFICATE.parent / "other.pem"),
        "encrypted": str(ENCRYPTED_KEY),
        "folder": str(tmp_path),
    }
    with pytest.raises(CertificateError, match=says) as caught:
        server_context(paths[names[0]], paths[names[1]])
    assert len(str(caught.value).splitlines()) == 1
