"""The server's side of TLS: which certificate, which versions. Imports ``ssl``, so import this where TLS is wanted."""

from __future__ import annotations

import ssl


class CertificateError(Exception):
    """A certificate or key that cannot be used: one sentence that names the files."""


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """Make a context of a PEM certificate chain and its key; CertificateError says what is wrong.

    A context is made anew for each certificate: loading a pair into one that is in use leaves it with half of the pair
    if the other half is bad.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Of whole numbers: where a C long has 32 bits ssl.Options has a negative member, and ~ on it loses other options.
    options = int(context.options)
    # A renegotiation costs us much more than it costs whoever asks for it; TLS 1.3 has none.
    options |= int(ssl.OP_NO_RENEGOTIATION)
    # With it, a stream cut off by somebody else would be a proper end.
    options &= ~int(getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0))
    context.options = ssl.Options(options)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password: for a key that wants one, OpenSSL would ask on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        reason = (error.reason or "no certificate and key in PEM").replace("_", " ").lower()
        raise CertificateError(f"{certificate} and {key} cannot be used: {reason}") from error
    except OSError as error:
        raise CertificateError(_unreadable(certificate, key, error)) from error
    return context


def _unreadable(certificate: str, key: str, error: OSError) -> str:
    """OpenSSL does not say which of the two it was."""
    for path in (certificate, key):
        try:
            with open(path, "rb"):
                pass
        except OSError as own:
            return f"{path} cannot be read: {own.strerror}"
    return f"{certificate} or {key} cannot be read: {error.strerror}"
