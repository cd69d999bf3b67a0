"""Loading of the settings of the program.

``load`` reads flags, then ``TELEMETRY_STREAM_*`` variables, then a TOML file, then the defaults; the first one that
has a value is used.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NoReturn

from .table import Settings
from .validation import SettingsError, checked, limits, parsed, placeholder, shown_default

ENVIRONMENT_PREFIX = "TELEMETRY_STREAM_"
# A larger TOML file is not a configuration; parsing it would take 17 times its size.
MAX_FILE_BYTES = 1024 * 1024
# Kubernetes and Docker set these for a service or a container of this name.
PLATFORM_VARIABLE = re.compile(r"(?:SERVICE_(?:HOST|PORT)|PORT_[0-9]+_(?:TCP|UDP)|NAME$|ENV_).*")


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Return the settings from flags, environment, TOML file and defaults, in this order of precedence.

    Every given value is checked, also one that another value overrides. Variables with the prefix that name no setting
    are ignored here; ``unknown_variables`` reports them. Raises SettingsError; raises SystemExit after ``--help`` and
    ``--version``.
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
                allowed = f"unknown setting (known: {', '.join(rows)})"
                raise SettingsError(name, "…", path, allowed)  # its value may be a token
            take(name, value, path)
    for name, text in variables.items():
        origin = ENVIRONMENT_PREFIX + name.upper()
        take(name, parsed(rows[name], text, origin), origin)
    for name, given in flags.items():
        origin = _flag(name)
        take(name, given if given is True else parsed(rows[name], given, origin), origin)
    return Settings(**values)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable with the prefix that names no setting, without its value.

    They are no errors, because container platforms set some of their own (TELEMETRY_STREAM_SERVICE_HOST); those that
    are known get no sentence.
    """
    known = ["CONFIG", *(row.name.upper() for row in fields(Settings))]
    names = [
        name.removeprefix(ENVIRONMENT_PREFIX)
        for name in environment
        if name.startswith(ENVIRONMENT_PREFIX)
    ]
    unknown = [name for name in names if name not in known and not PLATFORM_VARIABLE.match(name)]
    if not unknown:
        return []
    from difflib import get_close_matches  # noqa: PLC0415 (rarely needed)

    return [
        f"{ENVIRONMENT_PREFIX}{name} is ignored: it is not a setting "
        f"(the nearest is {ENVIRONMENT_PREFIX}{get_close_matches(name, known, 1, 0.0)[0]})"
        for name in sorted(unknown)
    ]


def _read_toml(path: str, origin: str) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 (needed only with a file)

    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) <= MAX_FILE_BYTES:
            return tomllib.loads(content.decode())
        reason = f"is larger than {MAX_FILE_BYTES // 1024} KiB"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    # ValueError: a NUL in the path, not UTF-8, not TOML. RecursionError: nested too deep.
    except (ValueError, RecursionError) as error:
        reason = f"is not valid TOML: {error}"
    raise SettingsError("config", path, origin, reason)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


class _Parser(argparse.ArgumentParser):
    """Raises SettingsError where argparse would print its usage and exit."""

    def __init__(self, arguments: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self.arguments = list(arguments)

    def error(self, message: str) -> NoReturn:
        """Report an invalid command line as every other invalid value is reported."""
        # However a token flag is spelled, its value must not appear in the message.
        if any(re.match(r"-[\w-]*tok(?!en-file)", argument) for argument in self.arguments):
            reason = "not available as a flag, since other users can see flags; use token_file or the environment"
            raise SettingsError("token", "(secret)", "the command line", reason)
        raise SettingsError(
            "arguments", self.arguments, "the command line", f"{message} (see --help)"
        )


def _fixed_width(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, width=80)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the command line from the table. Values stay text, so that all of them are checked by the same code."""
    from .. import __version__  # noqa: PLC0415

    # argparse formats each option once to check it. The width of the terminal would import shutil, 0.4 MiB, for that.
    is_help = not {"-h", "--help"}.isdisjoint(arguments)
    parser = _Parser(
        arguments,
        formatter_class=argparse.HelpFormatter if is_help else _fixed_width,
        prog="telemetry-stream",
        usage="telemetry-stream [option ...]\n       telemetry-stream token [NAME]\n"
        "       telemetry-stream rules check FILE\n       telemetry-stream rules list [FILE]\n"
        "       telemetry-stream notify check FILE\n"
        "       telemetry-stream notify test [RECEIVER] [option ...]\n"
        "       telemetry-stream silence list [option ...]\n"
        "       telemetry-stream silence add rule=NAME for=2h [option ...]\n"
        "       telemetry-stream silence remove ID [option ...]",
        description="Show what this host is doing right now, in a browser, a terminal or a script. "
        "'telemetry-stream token [NAME]' prints a new line for a token file. "
        "'telemetry-stream rules' checks or lists alert rules (docs/alerts.md). "
        "'telemetry-stream notify' and 'silence' are described in docs/notifications.md.",
        epilog=f"Each setting can also be an environment variable ({ENVIRONMENT_PREFIX}PORT=8751) or a line of the "
        "TOML file (port = 8751). A flag overrides the variable, and the variable overrides the file.",
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--config", metavar="FILE", help="TOML file with settings")
    for row in fields(Settings):
        if row.metadata["secret"]:
            continue
        if isinstance(row.default, bool):
            parser.add_argument(
                _flag(row.name), action="store_true", help=row.metadata["description"]
            )
            continue
        text = f"{row.metadata['description']} ({limits(row)}; default {shown_default(row)})"
        parser.add_argument(_flag(row.name), metavar=placeholder(row), help=text)
    return parser
