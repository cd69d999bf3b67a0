"""Every setting, with its default, unit and range: the fields of :class:`Settings` are the table.

``load`` reads flags over ``TELEMETRY_STREAM_*`` over a TOML file over the defaults; an embedding program builds
``Settings`` itself. Either way a wrong value is one :class:`SettingsError` of one line. Only ``cli``, ``app`` and
``guard`` read this module: the parts are given plain values. It opens no socket and looks no name up; whether a port is
free shows when it is bound.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import ip_network
from typing import Any, NoReturn

from . import validation as form
from .validation import SettingsError, checked, limits, parsed, setting, shown_default

__all__ = ["Settings", "SettingsError", "limits", "load"]

ENVIRONMENT_PREFIX = "TELEMETRY_STREAM_"
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "text", "json", "journald")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the program can be told. Building one checks it; SettingsError names the first value that is wrong."""

    host: str = setting("127.0.0.1", "address to listen on; any but loopback needs a token")
    port: int = setting(8750, "TCP port to listen on; 0 takes a free one", low=0, high=65535)
    no_auth: bool = setting(False, "let everybody in who can reach an address that is not loopback")
    token_file: str = setting(
        "", "file with a token per line, each with a name if you like", form=form.PATH
    )
    token: str = setting("", "a token that lets in; never as a flag", form=form.TOKEN, secret=True)
    state_dir: str = setting(
        "", "where a made token is kept; none: where systemd or XDG have it", form=form.PATH
    )
    allow_host: str = setting("", "other names that this server is called by", form=form.HOSTS)
    allow_origin: str = setting("", "other sites whose pages may read all this", form=form.ORIGINS)
    frame_ancestors: str = setting(
        "'none'", "pages that may frame the dashboard", form=form.ANCESTORS
    )
    tls_cert: str = setting(
        "", "PEM file with the certificate chain; then all is https", form=form.PATH
    )
    tls_key: str = setting("", "PEM file with the certificate's key", form=form.PATH)
    trust_proxy: str = setting(
        "", "reverse proxies whose X-Forwarded-For and -Proto count", form=form.PROXIES
    )
    interval: float = setting(1.0, "time between samples", unit="seconds", low=0.1, high=60)
    idle_interval: float = setting(
        0.0,
        "the same while nobody is watching, if that is longer; 0: no difference",
        unit="seconds",
        low=0,
        high=60,
    )
    history: float = setting(
        600.0, "how far back a viewer can ask", unit="seconds", low=0, high=86_400
    )
    max_viewers: int = setting(1000, "viewers at a time; more are refused", low=1, high=100_000)
    max_viewers_per_address: int = setting(
        64, "the same from one address; loopback has no limit", low=1, high=100_000
    )
    spare_connections: int = setting(
        64, "connections beside the viewers', for pages, requests and checks", low=8, high=10_000
    )
    max_connections_per_address: int = setting(
        128,
        "connections from one address; loopback and trusted proxies have no limit",
        low=1,
        high=110_000,
    )
    max_requests_per_connection: int = setting(
        1000, "requests until a connection ends", low=1, high=1_000_000
    )
    max_head_bytes: int = setting(
        16_384, "length of a request's head", unit="bytes", low=1024, high=1_048_576
    )
    head_seconds: float = setting(
        10.0, "time for a request's head, however it drips", unit="seconds", low=1, high=300
    )
    max_message_bytes: int = setting(
        512, "length of a message from a viewer", unit="bytes", low=126, high=65_536
    )
    max_messages_per_second: int = setting(
        20, "frames from a viewer, pings too; more end it", low=5, high=10_000
    )
    proc_root: str = setting("/proc", "where procfs is mounted", form=form.DIRECTORY)
    sys_root: str = setting("/sys", "where sysfs is mounted", form=form.DIRECTORY)
    log_level: str = setting("info", "least severe message that is logged", one_of=LOG_LEVELS)
    log_format: str = setting(
        "auto",
        "how it is written; auto: journald where the journal reads along, else text",
        one_of=LOG_FORMATS,
    )

    def __post_init__(self) -> None:
        """Check every value, whoever gave it."""
        for row in fields(self):
            checked(row, getattr(self, row.name), "Settings()")
        self._check_together()

    @property
    def max_connections(self) -> int:
        """All connections at a time: the viewers' and those for everything else."""
        return self.max_viewers + self.spare_connections

    def _check_together(self) -> None:
        """Check what one value says about another."""
        if bool(self.tls_cert) != bool(self.tls_key):
            name = "tls_cert" if self.tls_cert else "tls_key"
            allowed = "tls_cert and tls_key come together"
            raise SettingsError(name, getattr(self, name), "the settings", allowed)
        if self.no_auth and (self.token or self.token_file):
            allowed = "with a token or token_file it would let in whoever has none"
            raise SettingsError("no_auth", True, "the settings", allowed)
        for name in (
            self.trust_proxy.replace("loopback", "::1").split(",") if self.trust_proxy else ()
        ):
            try:
                ip_network(name, strict=False)
            except ValueError as error:
                raise SettingsError("trust_proxy", name, "the settings", f"{error}") from None


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from flags over environment over TOML file over defaults.

    Every value that was given is checked, also where a stronger one hides it. Variables with the prefix that name no
    setting are let be: a container platform makes some of its own (TELEMETRY_STREAM_SERVICE_HOST). Raises
    SettingsError; leaves with SystemExit after ``--help`` and ``--version``.
    """
    rows = {row.name: row for row in fields(Settings)}
    flags = vars(_parser(arguments).parse_args(arguments))
    variables = {
        name: environment[ENVIRONMENT_PREFIX + name.upper()]
        for name in ("config", *rows)
        if ENVIRONMENT_PREFIX + name.upper() in environment
    }
    values: dict[str, Any] = {}

    def take(name: str, value: object, origin: str) -> None:
        values[name] = checked(rows[name], value, origin)

    flagged, named = flags.pop("config", None), variables.pop("config", None)
    path, origin = (
        (named, ENVIRONMENT_PREFIX + "CONFIG") if flagged is None else (flagged, "--config")
    )
    if path is not None:
        for name, value in _read_toml(path, origin).items():
            if name not in rows:
                allowed = f"no such setting; there are {', '.join(rows)}"
                raise SettingsError(name, "…", path, allowed)  # its value may be a token
            take(name, value, path)
    for name, text in variables.items():
        origin = ENVIRONMENT_PREFIX + name.upper()
        take(name, parsed(rows[name], text, origin), origin)
    for name, given in flags.items():
        origin = _flag(name)
        take(name, given if given is True else parsed(rows[name], given, origin), origin)
    return Settings(**values)


def _read_toml(path: str, origin: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 (only who has a file pays for reading one)

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except (
        ValueError,
        RecursionError,
    ) as error:  # a NUL in the path, not UTF-8, not TOML, nested too deep
        reason = f"is not valid TOML: {error}"
    raise SettingsError("config", path, origin, reason)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print its usage and leave."""

    def __init__(self, arguments: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self.arguments = list(arguments)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line as everything else here says it."""
        # However it is spelled: what stands behind it is not to be said.
        if any(re.match(r"-[\w-]*tok(?!en-file)", argument) for argument in self.arguments):
            reason = "is no flag, since other users see those; use token_file or the environment"
            raise SettingsError("token", "(secret)", "the command line", reason)
        raise SettingsError(
            "arguments", self.arguments, "the command line", f"{message} (see --help)"
        )


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the command line from the table. Values stay text, so that every origin is checked by one rule."""
    from . import __version__  # noqa: PLC0415

    parser = _Parser(
        arguments,
        prog="telemetry-stream",
        description="Stream this host's live telemetry to every viewer over WebSocket.",
        epilog=f"Each setting can also come from the environment ({ENVIRONMENT_PREFIX}PORT=8751) or from a TOML file "
        "(port = 8751). Flags win over the environment, the environment over the file.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    for row in fields(Settings):
        if row.metadata["secret"]:
            continue
        if isinstance(row.default, bool):
            parser.add_argument(_flag(row.name), action="store_true", help=row.metadata["means"])
            continue
        metavar = (row.metadata["unit"] or row.name.rsplit("_", 1)[-1]).upper()
        text = f"{row.metadata['means']} ({limits(row)}; default {shown_default(row)})"
        parser.add_argument(_flag(row.name), metavar=metavar, help=text)
    return parser
