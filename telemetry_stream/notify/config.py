"""Receivers: a TOML file becomes checked receivers, or one error with file and line.

    [[receiver]]
    name = "phone"
    type = "webhook"
    template = "ntfy"
    url = "https://ntfy.sh/my-topic"
    severities = ["critical"]

docs/notifications.md describes every key. A secret is never in this file: its keys name a file or an environment
variable. No error shows the value of a key that may be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..alerts.names import shown
from ..alerts.rule import SEVERITIES
from ..toml_file import InvalidKeyError, TomlError, TomlFile
from . import templates
from .apprise import Apprise
from .channel import Channel, DeliveryError
from .choice import Choice, Pace
from .command import Command
from .connection import tls_context
from .table import Table
from .webhook import AddressError, Login, Webhook

MAX_FILE_BYTES = 256 * 1024
MAX_RECEIVERS = 50

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
ADDRESS = re.compile(r"[^\s,<>@\"]{1,64}@[A-Za-z0-9.\[\]:-]{1,255}")
SERVER = re.compile(r"[A-Za-z0-9._:-]{1,255}")

COMMON_KEYS = (
    "name", "type", "severities", "rules", "hosts", "labels", "wait", "per_hour", "remind", "resolved",
)  # fmt: skip
KEYS = {
    "webhook": (
        "template", "url", "url_file", "url_env", "token_file", "token_env", "user", "password_file", "password_env",
        "room", "ca", "allow_plain",
    ),
    "email": (
        "server", "port", "security", "user", "password_file", "password_env", "from", "to", "ca", "allow_plain",
    ),
    "command": ("command", "time_limit"),
    "apprise": ("url_file", "url_env"),
}  # fmt: skip

# Alertmanager groups and limits itself, and needs each alert again and again (prometheus.io, "Sending alerts").
ALERTMANAGER_PACE = {"wait": "0s", "per_hour": 3600, "remind": "1m"}


class NotifyError(TomlError):
    """A file of receivers is not valid."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One receiver. Two that are equal work in the same way."""

    name: str
    type: str
    channel: Channel
    choice: Choice
    pace: Pace


def load(path: str) -> tuple[Receiver, ...]:
    """Return the receivers of a file, whose secrets are all available. Raises NotifyError."""
    file = TomlFile.read(path, MAX_FILE_BYTES, NotifyError)
    try:
        tables = _tables(file)
    except InvalidKeyError as error:
        raise file.error(error) from None
    found: list[Receiver] = []
    for number, table in enumerate(tables):
        try:
            found.append(_receiver(Table(table), {one.name for one in found}))
        except InvalidKeyError as error:
            name = table.get("name")
            is_named = isinstance(name, str) and NAME.fullmatch(name) and error.key != "name"
            whose = f"receiver {shown(name)}: " if is_named else ""
            raise file.error_in_table(number, error, whose) from None
    return tuple(found)


def _tables(file: TomlFile) -> list[dict[str, Any]]:
    for key in file.content:
        if key != "receiver":
            raise InvalidKeyError(key, "unknown key (a receiver begins with [[receiver]])")
    tables = file.tables("receiver", MAX_RECEIVERS)
    if not tables:
        raise InvalidKeyError("receiver", "there is none (one begins with [[receiver]])")
    return tables


def _receiver(table: Table, taken: Iterable[str]) -> Receiver:
    name = table.text("name", NAME, "1 to 32 letters, digits, _ and -")
    if name in taken:
        raise InvalidKeyError("name", f"{shown(name)} is the name of a receiver above")
    kind = table.one_of("type", tuple(KEYS))
    table.check_keys((*COMMON_KEYS, *KEYS[kind]))
    if table.source.get("template") == "alertmanager":
        table.defaults = ALERTMANAGER_PACE
    severities = table.texts("severities", SEVERITIES)
    if not severities:
        allowed = (
            f"must have one of {', '.join(SEVERITIES)} at least (without this key, it has all)"
        )
        raise InvalidKeyError("severities", allowed)
    for severity in severities:
        if severity not in SEVERITIES:
            allowed = f"{shown(severity)} must be one of {', '.join(SEVERITIES)}"
            raise InvalidKeyError("severities", allowed)
    choice = Choice(severities, table.texts("rules"), table.texts("hosts"), table.labels())
    pace = Pace(
        table.seconds("wait", "10s", 0, 3600),
        table.number("per_hour", 30, 1, 3600),
        table.remind_seconds(),
        table.flag("resolved", default=True),
    )
    return Receiver(name, kind, CHANNELS[kind](table), choice, pace)


def _webhook(table: Table) -> Webhook:
    template = table.one_of("template", templates.TEMPLATES, templates.TEMPLATES[0])
    login = _login(table)
    url, secret_url = table.optional("url"), table.maybe_secret("url")
    if bool(url) == (secret_url is not None):
        raise InvalidKeyError("url", "give one of url, url_file and url_env")
    if url and template in templates.SECRET_URLS:
        allowed = f"the URL of {template} is a secret; use url_file or url_env"
        raise InvalidKeyError("url", allowed)
    has_token = login.token is not None
    if template in ("gotify", "matrix") and not has_token:
        raise InvalidKeyError("template", f"{template} needs token_file or token_env")
    if template in templates.SECRET_URLS and login.is_given:
        raise InvalidKeyError("template", f"{template} has no token and no password, only its URL")
    if bool(table.optional("room")) != (template == "matrix"):
        raise InvalidKeyError("template", "room belongs to matrix, which needs it")
    webhook = Webhook(
        template,
        url,
        secret_url,
        login,
        table.optional("ca"),
        table.flag("allow_plain", default=False),
        table.optional("room"),
        table.remind_seconds(),
    )
    try:
        address = webhook.address()
    except AddressError as error:
        place = "url" if url else "url_file" if secret_url and secret_url.file else "url_env"
        raise InvalidKeyError(place, str(error)) from None
    if template == "ntfy" and not address.path.strip("/"):
        raise InvalidKeyError("url", "must end with the topic, as in https://ntfy.sh/my-topic")
    if address.scheme == "https":
        _check_ca(webhook.ca)
    return webhook


def _check_ca(path: str) -> None:
    """Check a file of authorities. Without one, TLS is not loaded: a receiver loads it when it sends."""
    if path:
        try:
            tls_context(path)
        except DeliveryError as error:
            raise InvalidKeyError("ca", str(error)) from None


def _login(table: Table) -> Login:
    token, password = table.maybe_secret("token"), table.maybe_secret("password")
    user = table.optional("user")
    if bool(user) != (password is not None):
        raise InvalidKeyError("user", "user and password_file or password_env belong together")
    if token is not None and password is not None:
        raise InvalidKeyError("user", "give a token or a user, not both")
    return Login(token, user, password)


def _email(table: Table) -> Channel:
    from .mail import PORTS, SECURITIES, Mail  # noqa: PLC0415  # loads email and smtplib

    server = table.text("server", SERVER, "a host name or an address")
    security = table.one_of("security", SECURITIES, SECURITIES[0])
    login = _login(table)
    is_local = server in ("localhost", "127.0.0.1", "::1")
    if (
        login.is_given
        and security == "none"
        and not (is_local or table.flag("allow_plain", default=False))
    ):
        allowed = "would send a password without TLS (allow it with allow_plain = true if you trust the network)"
        raise InvalidKeyError("security", allowed)
    to = table.texts("to")
    sender = table.text("from", ADDRESS, "an address such as host@example.org")
    for address in to:
        if not ADDRESS.fullmatch(address):
            raise InvalidKeyError(
                "to", f"{shown(address)} must be an address such as me@example.org"
            )
    if not to:
        raise InvalidKeyError("to", "must be a list of addresses")
    port, ca = table.number("port", PORTS[security], 1, 65535), table.optional("ca")
    if security != "none":
        _check_ca(ca)
    return Mail(server, port, security, login.user, login.password, sender, to, ca)


def _command(table: Table) -> Command:
    arguments = table.texts("command")
    if not arguments or not arguments[0].startswith("/"):
        allowed = 'must be a list that begins with the path of a program, such as ["/usr/local/bin/notify"]'
        raise InvalidKeyError("command", allowed)
    return Command(arguments, table.seconds("time_limit", "10s", 1, 60))


def _apprise(table: Table) -> Apprise:
    url = table.maybe_secret("url")
    if url is None:
        raise InvalidKeyError("type", "apprise needs url_file or url_env")
    return Apprise(url)


CHANNELS: Mapping[str, Callable[[Table], Channel]] = {
    "webhook": _webhook,
    "email": _email,
    "command": _command,
    "apprise": _apprise,
}
