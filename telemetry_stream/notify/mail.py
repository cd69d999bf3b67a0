"""E-mail: one message over SMTP (RFC 5321), with TLS from the beginning or after STARTTLS, and a login."""

from __future__ import annotations

import io
import socket
import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from smtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from typing import TYPE_CHECKING, Any

from .channel import ATTEMPT_SECONDS, Capacity, DeliveryError
from .connection import Abortable, left, reason_of, tls_context
from .message import Message
from .secret import Secret, SecretError

if TYPE_CHECKING:
    import ssl

SECURITIES = ("starttls", "tls", "none")
PORTS = {"starttls": 587, "tls": 465, "none": 25}
MAX_REPLY_BYTES = 128 * 1024  # all replies of a server until STARTTLS, and then again


@dataclass(frozen=True, slots=True)
class Mail:
    """The channel of a receiver with e-mail addresses."""

    server: str
    port: int
    security: str
    user: str
    password: Secret | None
    sender_address: str
    to: tuple[str, ...]
    ca: str

    @property
    def target(self) -> str:
        return f"{', '.join(self.to)} by {self.server}"

    @property
    def capacity(self) -> Capacity:
        return Capacity()

    def sender(self) -> MailSender:
        return MailSender(self)


class MailSender:
    """Sends the messages of one receiver, each over a connection of its own."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail
        self._connection = Abortable()

    def send(self, message: Message) -> None:
        """Send one e-mail to all addresses. Raises DeliveryError."""
        try:
            self._send(message)
        except SecretError as error:
            raise DeliveryError(str(error)) from None
        except SMTPException as error:  # a subclass of OSError
            raise _mapped(error) from None
        except (OSError, UnicodeError) as error:
            raise DeliveryError(reason_of(error)) from None
        finally:
            self._connection.end()

    def begin(self) -> None:
        self._connection.begin()

    def abort(self) -> None:
        self._connection.abort()

    def _send(self, message: Message) -> None:
        mail = self._mail
        password = mail.password.read() if mail.password is not None else ""
        context = None if mail.security == "none" else tls_context(mail.ca)
        client = _Client(self._connection, context if mail.security == "tls" else None)
        try:
            client.connect(mail.server, mail.port)
            if mail.security == "starttls":
                client.starttls(context=context)
            if mail.user:
                client.login(mail.user, password)
            refused = client.send_message(composed(mail, message))
            try:
                client.quit()
            except (SMTPException, OSError, DeliveryError):
                pass  # the message has been accepted
        finally:
            client.close()
        if refused:
            reasons = ", ".join(f"{to} with code {code}" for to, (code, _) in refused.items())
            raise DeliveryError(f"it accepts the message, but refuses {reasons}", is_delivered=True)


class _Client(SMTP):
    """An SMTP client whose socket can be aborted."""

    def __init__(self, connection: Abortable, context: ssl.SSLContext | None) -> None:
        # Without a host, nothing is connected yet. The name that the client gives is that of an address literal:
        # looking up our own name may hang.
        super().__init__(local_hostname="[127.0.0.1]", timeout=ATTEMPT_SECONDS)
        self._connection = connection
        self._context = context
        self._deadline = time.monotonic() + ATTEMPT_SECONDS

    def connect(
        self,
        host: str = "",
        port: int = 0,
        source_address: object = None,  # noqa: ARG002  # that of the library
    ) -> tuple[int, bytes]:
        """Connect, and read the greeting. Raises SMTPException and OSError."""
        self._host = host  # what a certificate is compared with after STARTTLS
        code, text = super().connect(host, port)
        if code != 220:
            raise SMTPResponseException(code, text)
        return code, text

    def send(self, s: Any) -> None:
        """Send a part of the conversation until the deadline. Raises SMTPException and OSError."""
        if self.sock is not None:
            self.sock.settimeout(left(self._deadline))
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply. Raises SMTPException, and DeliveryError if the server does not end it."""
        if self.file is None and self.sock is not None:  # also after STARTTLS
            self.file = io.BufferedReader(_Replies(self.sock, self._deadline))
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        """The hook that smtplib.SMTP_SSL uses, too."""
        opened = self._connection.connect(host, port, self._deadline)
        try:
            opened.settimeout(left(self._deadline))
            if self._context is None:
                return opened
            return self._context.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise


class _Replies(io.RawIOBase):
    """What a server sends, up to a deadline and a size: a reply may have any number of lines (RFC 5321, 4.2.1)."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        self._left_bytes = MAX_REPLY_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer. Raises DeliveryError beyond the limits, which smtplib passes on."""
        try:
            self._sock.settimeout(left(self._deadline))
            size = self._sock.recv_into(buffer)
        except TimeoutError as error:
            raise DeliveryError(reason_of(error)) from None
        self._left_bytes -= size
        if self._left_bytes < 0:
            raise DeliveryError("its replies are too long")
        return size


def composed(mail: Mail, message: Message) -> EmailMessage:
    """Return a message as an e-mail."""
    found = EmailMessage()
    found["Subject"] = message.title
    found["From"] = mail.sender_address
    found["To"] = ", ".join(mail.to)
    found["Date"] = formatdate()
    found["Message-ID"] = make_msgid(domain="telemetry-stream.invalid")
    found["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notices in return
    found.set_content(f"{message.text}\n")
    return found


def _mapped(error: Exception) -> DeliveryError:
    """Return an error without the texts of the server, which may repeat what it got."""
    if isinstance(error, SMTPAuthenticationError):
        return DeliveryError(f"it refuses the login with code {error.smtp_code}")
    if isinstance(error, SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        return DeliveryError(f"it refuses the addresses with code {codes[0]}")
    if isinstance(error, SMTPResponseException):
        return DeliveryError(f"it answers with code {error.smtp_code}")
    if isinstance(error, SMTPNotSupportedError):
        return DeliveryError("it does not offer STARTTLS or a login that this program supports")
    return DeliveryError("the connection was lost")
