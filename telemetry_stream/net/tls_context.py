"""The server's TLS context: certificate and versions. Imports ``ssl``, so import this only where TLS is enabled."""

from __future__ import annotations

import os
import ssl
import stat

from .. import permissions
from .certificate import CertificateError

MAX_FILE_BYTES = 1024 * 1024  # OpenSSL reads a whole file into memory, whatever it contains


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return a context for a PEM certificate chain and its private key. Raises CertificateError.

    Each certificate needs a new context: if a pair is loaded into a context that is in use and one half of the pair is
    bad, the context keeps the other half.
    """
    _require_small(certificate)
    _require_small(key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # As plain integers: where a C long has 32 bits, ssl.Options has a negative member, and ~ on it clears others.
    options = int(context.options)
    # A renegotiation costs the server much more than the client. TLS 1.3 has none.
    options |= int(ssl.OP_NO_RENEGOTIATION)
    # With this option, a stream that an attacker cuts off would look like a regular end.
    options &= ~int(getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0))
    context.options = ssl.Options(options)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        reason = (error.reason or "no certificate and key in PEM").replace("_", " ").lower()
        raise CertificateError(f"{certificate} and {key} cannot be used: {reason}") from error
    except OSError as error:
        raise CertificateError(_unreadable(certificate, key, error)) from error
    return context


def _require_small(path: str) -> None:
    """Raise CertificateError for a file that cannot be a certificate or key. A missing file is reported later."""
    try:
        found = os.stat(path)
    except OSError:
        return
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
        raise CertificateError(f"{path} is not a file")
    if found.st_size > MAX_FILE_BYTES:
        raise CertificateError(f"{path} is larger than {MAX_FILE_BYTES // 1024} KiB")


def _unreadable(certificate: str, key: str, error: OSError) -> str:
    """Return which of the two files cannot be read, and why; OpenSSL does not report which."""
    for path in (certificate, key):
        try:
            with open(path, "rb"):
                pass
        except OSError as own:
            return permissions.unreadable(path, own)
    return f"{certificate} or {key} cannot be read: {error.strerror}"
