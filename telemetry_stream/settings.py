"""Every setting, with its default, unit and range: the fields of :class:`Settings` are the table.

``load`` reads flags, then ``TELEMETRY_STREAM_*`` variables, then a TOML file, then the defaults; the first one that
has a value is used. An embedding program builds ``Settings`` itself. In both cases an invalid value is one
:class:`SettingsError` of one line. Only ``cli``, ``app`` and ``assembly`` read this module; the other parts get plain
values. It opens no socket and resolves no name: whether a port is free is known when it is bound.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import ip_address, ip_network
from typing import Any, NoReturn
from urllib.parse import urlsplit

from . import validation as form
from .validation import SettingsError, checked, limits, parsed, placeholder, setting, shown_default

__all__ = ["Settings", "SettingsError", "limits", "load", "unknown_variables"]

ENVIRONMENT_PREFIX = "TELEMETRY_STREAM_"
# A larger TOML file is not a configuration; parsing it would take 17 times its size.
MAX_FILE_BYTES = 1024 * 1024
# Kubernetes and Docker set these for a service or a container of this name.
PLATFORM_VARIABLE = re.compile(r"(?:SERVICE_(?:HOST|PORT)|PORT_[0-9]+_(?:TCP|UDP)|NAME$|ENV_).*")
LOG_LEVELS = ("debug", "info", "warning", "error")
PROCESS_ARGUMENTS = ("none", "name", "full")
MQTT_ROLES = ("publish", "watch", "both")
LOG_FORMATS = ("auto", "text", "json", "journald")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. Building one checks every value; SettingsError names the first invalid one."""

    host: str = setting("127.0.0.1", "Address to listen on; any but loopback requires a token")
    port: int = setting(8750, "TCP port to listen on (0: any free port)", low=0, high=65535)
    no_auth: bool = setting(False, "Disable authentication on addresses other than loopback")
    token_file: str = setting(
        "", "File with one access token per line, optionally after a name", form=form.PATH
    )
    token: str = setting("", "Access token; not available as a flag", form=form.TOKEN, secret=True)
    state_dir: str = setting(
        "",
        "Directory for the created token (none: chosen by systemd or XDG), alerts and silences (none: not saved)",
        form=form.NEW_DIRECTORY,
    )
    rules: str = setting(
        "", "TOML file with alert rules (none: only the default rules)", form=form.PATH
    )
    notify: str = setting(
        "",
        "TOML file with the receivers of notifications (none: nobody is notified)",
        form=form.PATH,
    )
    allow_host: str = setting("", "Further host names of this server", form=form.HOSTS)
    allow_origin: str = setting(
        "", "Other sites whose pages may read the stream and the API", form=form.ORIGINS
    )
    frame_ancestors: str = setting(
        "'none'", "Sites that may show the dashboard in a frame", form=form.ANCESTORS
    )
    tls_cert: str = setting("", "PEM file with the certificate chain; enables TLS", form=form.PATH)
    tls_key: str = setting("", "PEM file with the key of the certificate", form=form.PATH)
    trust_proxy: str = setting(
        "", "Reverse proxies whose X-Forwarded-For and -Proto are used", form=form.PROXIES
    )
    interval: float = setting(1.0, "Time between two samples", unit="seconds", low=0.1, high=60)
    idle_interval: float = setting(
        0.0,
        "Sampling interval when no viewer is connected (0: same as --interval)",
        unit="seconds",
        low=0,
        high=60,
    )
    history: float = setting(
        600.0, "How long samples are remembered", unit="seconds", low=0, high=86_400
    )
    max_history_bytes: int = setting(
        33_554_432,
        "Limit of the memory for remembered samples",
        unit="bytes",
        low=1_048_576,
        high=2**40,
    )
    max_viewers: int = setting(1000, "Limit of connected viewers", low=1, high=100_000)
    max_viewers_per_address: int = setting(
        64, "Limit of viewers per address, except loopback", low=1, high=100_000
    )
    spare_connections: int = setting(
        64, "Connections reserved for pages, requests and health checks", low=8, high=10_000
    )
    max_connections_per_address: int = setting(
        128,
        "Limit of connections per address, except loopback; behind a trusted proxy, of requests in progress",
        low=1,
        high=110_000,
    )
    max_requests_per_connection: int = setting(
        1000, "Limit of requests on one connection", low=1, high=1_000_000
    )
    max_head_bytes: int = setting(
        16_384, "Limit of the size of a request head", unit="bytes", low=1024, high=1_048_576
    )
    head_seconds: float = setting(
        10.0, "Limit of the time for a whole request head", unit="seconds", low=1, high=300
    )
    max_message_bytes: int = setting(
        512, "Limit of the size of a message from a viewer", unit="bytes", low=126, high=65_536
    )
    max_messages_per_second: int = setting(
        20, "Limit of frames per second from a viewer, including pings", low=5, high=10_000
    )
    watch: str = setting(
        "", "Other hosts to show, as the addresses of their dashboards", form=form.URLS
    )
    watch_file: str = setting(
        "", "File with one host to show per line: its address, optionally a token", form=form.PATH
    )
    watch_allow_plain: bool = setting(
        False, "Allow tokens to be sent without TLS to addresses other than loopback"
    )
    no_collect: bool = setting(False, "Do not sample this host; only show others")
    max_hosts: int = setting(1000, "Limit of other hosts", low=1, high=100_000)
    max_watched_hosts: int = setting(
        32, "Limit of other hosts whose dashboards are open at the same time", low=1, high=10_000
    )
    host_forget_seconds: float = setting(
        86_400.0,
        "When a silent host that was discovered is forgotten",
        unit="seconds",
        low=60,
        high=31_536_000,
    )
    host_id: str = setting(
        "", "Id of this host (none: derived from its machine-id)", form=form.HOST_ID
    )
    site: str = setting("", "Name of the place where this host is", form=form.LABEL)
    tags: str = setting("", "Names by which this host can be found among others", form=form.TAGS)
    mqtt_broker: str = setting(
        "", "Addresses of an MQTT broker, in order of preference; see mqtt_role", form=form.BROKERS
    )
    mqtt_role: str = setting(
        "publish",
        "Whether to publish this host, to show the hosts of the broker, or both",
        one_of=MQTT_ROLES,
    )
    mqtt_user: str = setting("", "Name of this program at the broker", form=form.TEXT)
    mqtt_password_file: str = setting(
        "", "File whose first line is the password for the broker", form=form.PATH
    )
    mqtt_ca: str = setting(
        "", "PEM file with the CA of the broker (none: those of the system)", form=form.PATH
    )
    mqtt_cert: str = setting(
        "", "PEM file with the client certificate for the broker", form=form.PATH
    )
    mqtt_key: str = setting("", "PEM file with the key of the client certificate", form=form.PATH)
    mqtt_prefix: str = setting("ts", "First level of all topics", form=form.LEVEL)
    mqtt_allow_plain: bool = setting(
        False, "Allow mqtt://, which is not encrypted, to other hosts than this one"
    )
    mqtt_home_assistant: bool = setting(
        False, "Publish device discovery, so that this host appears in Home Assistant"
    )
    process_arguments: str = setting(
        "none",
        "How much of the command line of processes is shown; arguments can contain secrets",
        one_of=PROCESS_ARGUMENTS,
    )
    container_api: str = setting(
        "",
        "APIs of Docker or Podman that report the names of containers",
        form=form.CONTAINER_APIS,
    )
    proc_root: str = setting("/proc", "Where procfs is mounted", form=form.PROCFS)
    sys_root: str = setting("/sys", "Where sysfs is mounted", form=form.DIRECTORY)
    log_level: str = setting(
        "info", "Lowest severity of messages that are logged", one_of=LOG_LEVELS
    )
    log_format: str = setting(
        "auto",
        "Format of the log (auto: journald if standard error is the journal, else text)",
        one_of=LOG_FORMATS,
    )

    def __post_init__(self) -> None:
        """Check every value, wherever it comes from."""
        for row in fields(self):
            checked(row, getattr(self, row.name), "Settings()")
        self._check_together()

    @property
    def max_connections(self) -> int:
        """The limit of connections: those of viewers and those for everything else."""
        return self.max_viewers + self.spare_connections

    @property
    def is_front_end(self) -> bool:
        """Whether other hosts are shown."""
        return bool(self.watch or self.watch_file or self.watches_broker)

    @property
    def publishes(self) -> bool:
        """Whether this host is published on a broker."""
        return bool(self.mqtt_broker) and self.mqtt_role != "watch"

    @property
    def watches_broker(self) -> bool:
        """Whether the hosts of a broker are shown."""
        return bool(self.mqtt_broker) and self.mqtt_role != "publish"

    def _check_together(self) -> None:
        """Check the settings that depend on each other."""
        if bool(self.tls_cert) != bool(self.tls_key):
            name = "tls_cert" if self.tls_cert else "tls_key"
            allowed = "tls_cert and tls_key must be given together"
            raise SettingsError(name, getattr(self, name), "the settings", allowed)
        if self.no_auth and (self.token or self.token_file):
            allowed = "must not be given together with a token or token_file"
            raise SettingsError("no_auth", True, "the settings", allowed)
        if self.no_collect and not (self.is_front_end or self.mqtt_broker):
            allowed = "must be given together with watch, watch_file, or mqtt_role watch"
            raise SettingsError("no_collect", True, "the settings", allowed)
        self._check_mqtt()
        for name in (
            self.trust_proxy.replace("loopback", "::1").split(",") if self.trust_proxy else ()
        ):
            try:
                ip_network(name, strict=False)
            except ValueError as error:
                raise SettingsError("trust_proxy", name, "the settings", f"{error}") from None

    def _check_mqtt(self) -> None:
        if self.no_collect and self.publishes:
            allowed = "must be watch if no_collect is given, because there is no host to publish"
            raise SettingsError("mqtt_role", self.mqtt_role, "the settings", allowed)
        if self.mqtt_role != "publish" and not self.mqtt_broker:
            allowed = "must be given together with mqtt_broker"
            raise SettingsError("mqtt_role", self.mqtt_role, "the settings", allowed)
        if self.mqtt_key and not self.mqtt_cert:
            allowed = "must be given together with mqtt_cert"
            raise SettingsError("mqtt_key", self.mqtt_key, "the settings", allowed)
        if self.mqtt_password_file and not self.mqtt_user:
            allowed = "must be given together with mqtt_user"
            raise SettingsError(
                "mqtt_password_file", self.mqtt_password_file, "the settings", allowed
            )
        if self.mqtt_home_assistant and not self.publishes:
            allowed = "must be given together with mqtt_broker, and not with mqtt_role watch"
            raise SettingsError("mqtt_home_assistant", True, "the settings", allowed)
        for address in filter(None, self.mqtt_broker.split(",")):
            parts = urlsplit(address)
            try:
                in_range = parts.port != 0
            except ValueError:
                in_range = False
            if not in_range:
                allowed = "its port must be a number from 1 to 65535"
                raise SettingsError("mqtt_broker", address, "the settings", allowed)
            if parts.scheme == "mqtt" and not (
                self.mqtt_allow_plain or _is_loopback(parts.hostname or "")
            ):
                allowed = (
                    "is not encrypted; use mqtts://, or mqtt_allow_plain if you trust the network"
                )
                raise SettingsError("mqtt_broker", address, "the settings", allowed)


def listed(text: str) -> tuple[str, ...]:
    """Return the values of a setting that has several, separated by commas."""
    return tuple(filter(None, text.split(",")))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the command line from the table. Values stay text, so that all of them are checked by the same code."""
    from . import __version__  # noqa: PLC0415

    parser = _Parser(
        arguments,
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
