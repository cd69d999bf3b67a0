"""Webhooks: one HTTP request for each message, over TLS that is verified.

Relies on h11, as the server does. A redirect is not followed: the other address would get the secret. Of an answer,
only the status counts; its body is not read.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import h11

from .. import __version__
from . import templates
from .channel import ATTEMPT_SECONDS, Capacity, DeliveryError
from .connection import Abortable, left, reason_of, tls_context
from .message import Message
from .secret import Secret, SecretError

PORTS = {"http": 80, "https": 443}
PATH = re.compile(r"[!-~]*")  # printable ASCII without spaces
HOST = re.compile(r"[A-Za-z0-9._:%-]+")
RECV_BYTES = 16 * 1024
MAX_HEAD_BYTES = 64 * 1024

# The message itself is refused; other statuses may be those of a server that is not set up or not available.
FINAL = (400, 413, 414, 422)
MAX_RETRY_SECONDS = 3600.0


class AddressError(ValueError):
    """A URL cannot be used: the end of a sentence, without the URL."""


@dataclass(frozen=True, slots=True)
class Login:
    """How a request identifies itself: with a token, or with a name and a password, or not at all."""

    token: Secret | None = None
    user: str = ""
    password: Secret | None = None

    @property
    def is_given(self) -> bool:
        return self.token is not None or self.password is not None


@dataclass(frozen=True, slots=True)
class Webhook:
    """The channel of a receiver with a URL, which is given itself or is a secret."""

    template: str
    url: str = field(repr=False)
    secret_url: Secret | None
    login: Login
    ca: str
    allow_plain: bool
    room: str
    remind_seconds: float

    @property
    def target(self) -> str:
        """Template and host. The path may be a secret."""
        if self.secret_url is not None:
            return self.template
        parts = urlsplit(self.url)
        return f"{self.template} at {parts.hostname}"

    @property
    def capacity(self) -> Capacity:
        return templates.CAPACITIES.get(self.template, Capacity())

    def address(self) -> SplitResult:
        """Return the checked URL. Raises AddressError or SecretError."""
        url = self.secret_url.read() if self.secret_url is not None else self.url
        has_secret = self.login.is_given or self.secret_url is not None
        return checked_url(url, has_secret=has_secret, allow_plain=self.allow_plain)

    def sender(self) -> WebhookSender:
        return WebhookSender(self)


def checked_url(url: str, *, has_secret: bool, allow_plain: bool) -> SplitResult:
    """Return the parts of a URL. Raises AddressError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressError("is not a valid URL") from None
    if parts.scheme not in PORTS or not HOST.fullmatch(parts.hostname or "") or port == 0:
        raise AddressError("must be a URL such as https://example.org/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressError("must have no password and no fragment; use user and password_file")
    if not PATH.fullmatch(parts.path + parts.query):
        raise AddressError("must have only printable ASCII characters")
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "http" and has_secret and not (is_local or allow_plain):
        raise AddressError(
            "would send a secret without TLS; use https://, or allow_plain = true if you trust the network"
        )
    return parts


class WebhookSender:
    """Sends the requests of one receiver."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook
        self._connection = Abortable()

    def send(self, message: Message) -> None:
        """Send one request, and check the status of its answer. Raises DeliveryError."""
        deadline = time.monotonic() + ATTEMPT_SECONDS
        try:
            status, retry_after = self._request(message, deadline)
        except (SecretError, AddressError) as error:
            raise DeliveryError(
                f"the URL {error}" if isinstance(error, AddressError) else str(error)
            ) from None
        except h11.ProtocolError:
            raise DeliveryError("it answers with something other than HTTP") from None
        except (OSError, UnicodeError) as error:
            raise DeliveryError(reason_of(error)) from None
        finally:
            self._connection.end()
        if not 200 <= status < 300:
            hint = " (redirects are not followed)" if 300 <= status < 400 else ""
            raise DeliveryError(
                f"it answers with status {status}{hint}",
                is_final=status in FINAL,
                retry_seconds=retry_after,
            )

    def begin(self) -> None:
        self._connection.begin()

    def abort(self) -> None:
        self._connection.abort()

    def _request(self, message: Message, deadline: float) -> tuple[int, float]:
        """Return the status of the answer, and for how long no further request may be sent."""
        webhook = self._webhook
        address = webhook.address()
        made = templates.request(
            webhook.template,
            message,
            path=address.path,
            room=webhook.room,
            token=webhook.login.token.read() if webhook.login.token is not None else "",
            lasts_seconds=4 * webhook.remind_seconds,
        )
        target = (made.path or "/") + (f"?{address.query}" if address.query else "")
        host, port = address.hostname or "", address.port or PORTS[address.scheme]
        shown = f"[{host}]" if ":" in host else host
        headers = [
            ("Host", shown if port == PORTS[address.scheme] else f"{shown}:{port}"),
            ("User-Agent", f"telemetry_stream/{__version__}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(made.body))),
            ("Connection", "close"),
            *made.headers,
        ]
        if webhook.login.password is not None:
            pair = f"{webhook.login.user}:{webhook.login.password.read()}".encode()
            headers.append(("Authorization", f"Basic {b64encode(pair).decode()}"))
        context = tls_context(webhook.ca) if address.scheme == "https" else None
        sock = self._connection.connect(host, port, deadline)
        try:
            sock.settimeout(left(deadline))
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname=host)
            connection = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES)
            request = h11.Request(method=made.method, target=target, headers=headers)
            data = connection.send(request) + connection.send(h11.Data(data=made.body))
            sock.settimeout(left(deadline))
            sock.sendall(data + connection.send(h11.EndOfMessage()))
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    sock.settimeout(left(deadline))
                    received = sock.recv(RECV_BYTES)
                    if not received:
                        raise DeliveryError("it closed the connection without an answer")
                    connection.receive_data(received)
                elif isinstance(event, h11.Response):
                    return event.status_code, _retry_after(event)
                elif not isinstance(event, h11.InformationalResponse):
                    raise h11.RemoteProtocolError("no response")
        finally:
            sock.close()


def _retry_after(response: h11.Response) -> float:
    """Return the seconds of Retry-After (RFC 9110 section 10.2.3); 0 if it is absent, a date, or not valid."""
    for name, value in response.headers:
        if name == b"retry-after" and value.isdigit() and len(value) < 8:
            return min(float(value), MAX_RETRY_SECONDS)
    return 0.0
