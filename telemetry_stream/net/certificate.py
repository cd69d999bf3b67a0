"""The server's certificate: loaded at the start, and reloaded while connections are open.

Imports ``ssl`` only if there is a certificate.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)


class CertificateError(Exception):
    """A certificate or key cannot be used. The text is one sentence that names the file."""


class Certificate:
    """The TLS context made of a PEM certificate chain and its key. Without files (empty paths) there is none."""

    def __init__(self, chain_path: str, key_path: str) -> None:
        self._chain_path = chain_path
        self._key_path = key_path
        self.context: ssl.SSLContext | None = None

    def load(self) -> None:
        """Replace ``context`` by one made from the files as they are now. Raises CertificateError."""
        if not self._chain_path:
            return
        from .tls_context import server_context  # noqa: PLC0415  # imports ssl

        self.context = server_context(self._chain_path, self._key_path)

    def reload(self) -> None:
        """Load the files again. On failure log it and keep the previous context."""
        if not self._chain_path:
            return
        try:
            self.load()
        except CertificateError as error:
            log.error("Reload failed, keeping the previous certificate: %s", error)
        else:
            log.info("Certificate reloaded: %s", self._chain_path)
