"""Every setting, with its default, unit and range: the fields of :class:`Settings` are the table.

``load`` reads flags over ``TELEMETRY_STREAM_*`` over a TOML file over the defaults; an embedding program builds
``Settings`` itself. Either way a wrong value is one :class:`SettingsError` of one line. Only ``cli`` and ``app`` read
this module: the parts are given plain values. It opens no socket and looks no name up; whether a port is free shows
when it is bound.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, NoReturn

ENVIRONMENT_PREFIX = "TELEMETRY_STREAM_"
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("auto", "text", "json", "journald")

# Beside viewers, the listener keeps this many connections for pages, API calls and health checks.
SPARE_CONNECTIONS = 64


class SettingsError(ValueError):
    """A value that cannot be used: which setting, what it was, where it came from, and what is allowed."""

    def __init__(self, name: str, value: object, origin: str, allowed: str) -> None:
        """Take ``origin`` such as ``--port``, and ``allowed`` as the end of a sentence."""
        super().__init__(name, value, origin, allowed)
        self.name = name
        self.value = value
        self.origin = origin
        self.allowed = allowed

    def __str__(self) -> str:
        """Say it in one line, whatever the texts hold."""
        shown = repr(self.value)
        if len(shown) > 80:
            shown = shown[:77] + "..."
        return " ".join(f"{self.name} = {shown} from {self.origin}: {self.allowed}".split())


def setting(
    default: Any,
    means: str,
    *,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    one_of: Sequence[str] | None = None,
    directory: bool = False,
) -> Any:
    """Describe one row of the table; its type is that of ``default``."""
    row = {"means": means, "unit": unit, "low": low, "high": high, "one_of": one_of}
    return field(default=default, metadata={**row, "directory": directory})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the program can be told. Building one checks it; SettingsError names the first value that is wrong."""

    host: str = setting("127.0.0.1", "address to listen on; any but loopback needs no_auth")
    port: int = setting(8750, "TCP port to listen on; 0 takes a free one", low=0, high=65535)
    no_auth: bool = setting(False, "let everybody in who can reach an address that is not loopback")
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
    proc_root: str = setting("/proc", "where procfs is mounted", directory=True)
    sys_root: str = setting("/sys", "where sysfs is mounted", directory=True)
    log_level: str = setting("info", "least severe message that is logged", one_of=LOG_LEVELS)
    log_format: str = setting(
        "auto",
        "how it is written; auto: journald where the journal reads along, else text",
        one_of=LOG_FORMATS,
    )

    def __post_init__(self) -> None:
        """Check every value, whoever gave it."""
        for row in fields(self):
            _checked(row, getattr(self, row.name), "Settings()")
        _check_exposure(self.host, self.no_auth, "Settings()")

    @property
    def max_connections(self) -> int:
        """All connections at a time: the viewers and a few for everything else."""
        return self.max_viewers + SPARE_CONNECTIONS


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
    origins: dict[str, str] = {}

    def take(name: str, value: object, origin: str) -> None:
        values[name] = _checked(rows[name], value, origin)
        origins[name] = origin

    flagged, named = flags.pop("config", None), variables.pop("config", None)
    path, origin = (
        (named, ENVIRONMENT_PREFIX + "CONFIG") if flagged is None else (flagged, "--config")
    )
    if path is not None:
        for name, value in _read_toml(path, origin).items():
            if name not in rows:
                raise SettingsError(
                    name, value, path, f"no such setting; there are {', '.join(rows)}"
                )
            take(name, value, path)
    for name, text in variables.items():
        origin = ENVIRONMENT_PREFIX + name.upper()
        take(name, _parsed(rows[name], text, origin), origin)
    for name, given in flags.items():
        origin = _flag(name)
        take(name, given if given is True else _parsed(rows[name], given, origin), origin)
    if "host" in values:
        _check_exposure(values["host"], values.get("no_auth", False), origins["host"])
    return Settings(**values)


def limits(row: Field[Any]) -> str:
    """What a row's value may be, in words: the end of an error, and of the line in ``--help``."""
    about = row.metadata
    if about["one_of"] is not None:
        return "one of " + ", ".join(about["one_of"])
    if about["low"] is not None:
        kind = "a whole number" if isinstance(row.default, int) else "a number"
        unit = f" of {about['unit']}" if about["unit"] else ""
        return f"{kind}{unit} from {about['low']} to {about['high']}"
    if isinstance(row.default, bool):
        return "true or false"
    return (
        "a directory that exists"
        if about["directory"]
        else "an address or a host name, without brackets"
    )


def _parsed(row: Field[Any], text: str, origin: str) -> object:
    """Read the text of a flag or variable as the row's type."""
    try:
        if isinstance(row.default, bool):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        kind: type = type(row.default)
        return kind(text)
    except (KeyError, ValueError):
        raise SettingsError(row.name, text, origin, f"must be {limits(row)}") from None


def _checked(row: Field[Any], value: Any, origin: str) -> Any:
    """Return the value as the row's type, or raise SettingsError."""
    about, kind = row.metadata, type(row.default)
    if kind is float and type(value) is int and abs(value) < 2**53:
        value = float(
            value
        )  # TOML and people write 1 for 1.0; past 2**53 it is out of every range anyway
    fits = type(value) is kind
    if fits and about["low"] is not None:
        fits = about["low"] <= value <= about["high"]  # false for nan
    elif fits and about["one_of"] is not None:
        fits = value in about["one_of"]
    elif fits and about["directory"]:
        fits = os.path.isdir(value)
    elif fits and kind is str:
        fits = re.fullmatch(r"[A-Za-z0-9._:%-]+", value) is not None
    if not fits:
        raise SettingsError(row.name, value, origin, f"must be {limits(row)}")
    return value


def _check_exposure(host: str, no_auth: bool, origin: str) -> None:
    """Refuse to be reachable from other hosts unless that was asked for in so many words."""
    if not no_auth and not _is_loopback(host):
        consequence = "other hosts could read everything there; say --no-auth (no_auth = true) if that is meant"
        raise SettingsError("host", host, origin, consequence)


def _is_loopback(host: str) -> bool:
    if host in {"127.0.0.1", "localhost"}:
        return True
    import ipaddress  # noqa: PLC0415 (5 ms of start-up that the usual address need not pay)

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: where it leads is known only when it is looked up
        return False


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
        if isinstance(row.default, bool):
            parser.add_argument(_flag(row.name), action="store_true", help=row.metadata["means"])
            continue
        metavar = (row.metadata["unit"] or row.name.rsplit("_", 1)[-1]).upper()
        default = f"{row.default:g}" if isinstance(row.default, float) else row.default
        text = f"{row.metadata['means']} ({limits(row)}; default {default})"
        parser.add_argument(_flag(row.name), metavar=metavar, help=text)
    return parser
