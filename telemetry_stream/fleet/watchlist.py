"""The hosts that the user names: the setting ``watch``, and the lines of ``watch_file``.

A line of the file is ``URL`` or ``URL TOKEN``; blank lines and lines that begin with ``#`` are ignored. A token is
never part of a URL, because URLs are shown. It is sent without TLS only to this host itself, unless the user allows
more.
"""

from __future__ import annotations

import logging
import re
import stat
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from .. import permissions
from ..net.address import is_loopback
from ..net.dial import Endpoint

log = logging.getLogger(__name__)

MAX_FILE_BYTES = 1024 * 1024
PORTS = {"http": 80, "https": 443}
TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,256}")  # as in access/tokens.py
HOST = re.compile(r"[A-Za-z0-9._:%-]+")
PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")


class WatchError(ValueError):
    """A host that cannot be watched: one sentence with the place and the reason, without the token."""


class Target(NamedTuple):
    """One host to watch. ``shown`` is ``host:port``, with the path if there is one."""

    endpoint: Endpoint
    path: str  # of the WebSocket
    host_header: str
    shown: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"<Target {self.shown}>"  # without the token


def targets(watch: str, watch_file: str, *, allow_plain: bool, limit: int) -> tuple[Target, ...]:
    """Return all hosts of both settings. A URL that is given twice counts once. Raises WatchError."""
    found: dict[str, Target] = {}
    for url in filter(None, watch.split(",")):
        target = parse(url, None, "watch", allow_plain=allow_plain)
        found.setdefault(target.shown, target)
    for number, words in _lines(watch_file) if watch_file else ():
        place = f"{watch_file}:{number}"
        if len(words) > 2:
            raise WatchError(f"{place}: expected 'URL' or 'URL TOKEN'")
        token = words[1] if len(words) == 2 else None
        target = parse(words[0], token, place, allow_plain=allow_plain)
        if target.shown not in found or found[target.shown].token is None:
            found[target.shown] = target
    if len(found) > limit:
        raise WatchError(f"{len(found)} hosts are given, but max_hosts is {limit}")
    return tuple(found.values())


def parse(url: str, token: str | None, place: str, *, allow_plain: bool) -> Target:
    """Return the target of a URL such as ``https://web1:8750``. ``place`` is where it stands. Raises WatchError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise WatchError(
            f"{place}: a URL is not valid (use for example https://web1:8750)"
        ) from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise WatchError(
            f"{place}: a URL has a password, a query or a fragment; a token belongs behind the URL in watch_file"
        )
    if parts.scheme not in PORTS or not HOST.fullmatch(host) or not PATH.fullmatch(parts.path):
        raise WatchError(f"{place}: a URL is not valid (use for example https://web1:8750)")
    try:
        host.encode("idna")
    except UnicodeError:
        raise WatchError(
            f"{place}: {host} is not a host name (a part of it is empty or longer than 63 characters)"
        ) from None
    if token is not None and not TOKEN.fullmatch(token):
        raise WatchError(f"{place}: the token must be 16 to 256 letters, digits and . _ ~ -")
    secure = parts.scheme == "https"
    is_local = host == "localhost" or is_loopback(host)
    if token is not None and not (secure or is_local or allow_plain):
        raise WatchError(
            f"{place}: a token would be sent to {host} without TLS (use https://, or allow it with --watch-allow-plain)"
        )
    bracketed = f"[{host}]" if ":" in host else host
    number = PORTS[parts.scheme] if port is None else port
    base = parts.path.rstrip("/")
    header = bracketed if number == PORTS[parts.scheme] else f"{bracketed}:{number}"
    return Target(
        Endpoint(host, number, secure), f"{base}/ws", header, f"{bracketed}:{number}{base}", token
    )


def _lines(path: str) -> Sequence[tuple[int, list[str]]]:
    """Return the number and the words of each line that is not empty. Raises WatchError."""
    try:
        text, status = permissions.read_text(path, MAX_FILE_BYTES)
    except permissions.UnreadableError as error:
        raise WatchError(str(error)) from error
    if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IROTH | stat.S_IWOTH):
        advice = permissions.how_to_restrict(path, status)
        log.warning("%s may be read or changed by every user of this host (use %s)", path, advice)
    lines = ((number, line.split()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, words) for number, words in lines if words and not words[0].startswith("#")]
