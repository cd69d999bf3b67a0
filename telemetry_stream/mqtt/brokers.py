"""Brokers: where they are, and how this program identifies itself to them.

Passwords and certificates are read for each connection, so that replaced files are used without a restart.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field

from .. import permissions

PORTS = {"mqtt": 1883, "mqtts": 8883}
ADDRESS = re.compile(r"(mqtts?)://(?:\[([^\]]+)\]|([^\[\]:/@]+))(?::(\d+))?")
# A larger file is no password and no certificate.
MAX_FILE_BYTES = 1024 * 1024


class AccessError(ValueError):
    """A password, a certificate or a key cannot be used: one sentence that names the file and no secret."""


@dataclass(frozen=True, slots=True)
class Broker:
    """The address of one broker."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        """Return host and port, for the log."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_brokers(text: str) -> tuple[Broker, ...]:
    """Return the brokers of a list such as ``mqtts://a,mqtt://127.0.0.1:1884``. Raises ValueError."""
    brokers = []
    for part in text.split(","):
        match = ADDRESS.fullmatch(part)
        if match is None:
            raise ValueError("an address must be mqtts://HOST or mqtts://HOST:PORT")
        scheme, bracketed, host, port = match.groups()
        brokers.append(Broker(bracketed or host, int(port or PORTS[scheme]), scheme == "mqtts"))
    return tuple(brokers)


@dataclass(frozen=True, slots=True)
class Access:
    """User, password file, CA, client certificate and its key. Empty: none; an empty CA: those of the system."""

    user: str = ""
    password_file: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)

    def maybe_password(self) -> str | None:
        """Return the first line of the password file. Raises AccessError."""
        if not self.password_file:
            return None
        try:
            with open(self.password_file, "rb") as file:
                content = file.read(MAX_FILE_BYTES)
            password = content.split(b"\n", 1)[0].rstrip(b"\r").decode()
        except OSError as error:
            raise AccessError(permissions.unreadable(self.password_file, error)) from error
        except ValueError:
            raise AccessError(f"{self.password_file} is not UTF-8") from None
        # An MQTT string has at most 65535 bytes.
        if not password or len(password) > 4096:
            raise AccessError(f"{self.password_file} does not begin with a password")
        return password

    def context(self) -> ssl.SSLContext:
        """Return the TLS context for a broker, whose certificate and name are always verified. Raises AccessError."""
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ValueError) as error:
            raise AccessError(_reason(self.ca, error)) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            try:
                # The empty password keeps OpenSSL from asking for one on the terminal.
                context.load_cert_chain(self.certificate, self.key or None, password=lambda: b"")
            except (OSError, ValueError) as error:
                raise AccessError(_reason(self.certificate, error)) from error
        return context

    def check(self, brokers: tuple[Broker, ...]) -> None:
        """Read all files once. Raises AccessError if one cannot be used."""
        self.maybe_password()
        if any(broker.is_tls for broker in brokers):
            self.context()


def _reason(path: str, error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "not in PEM").replace("_", " ").lower()
        return f"{path} cannot be used: {reason}"
    if isinstance(error, OSError):
        return permissions.unreadable(error.filename or path, error)
    return f"{path} cannot be used"
