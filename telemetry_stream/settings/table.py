"""Every setting, with its default, unit and range: the fields of :class:`Settings` are the table.

It opens no socket and resolves no name: whether a port is free is known when it is bound.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from . import validation as form
from .validation import SettingsError, checked, setting

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
        pair = "tls_cert and tls_key must be given together"
        for name, is_wrong, allowed in (
            ("tls_cert", self.tls_cert and not self.tls_key, pair),
            ("tls_key", self.tls_key and not self.tls_cert, pair),
            (
                "no_auth",
                self.no_auth and (self.token or self.token_file),
                "must not be given together with a token or token_file",
            ),
            (
                "no_collect",
                self.no_collect and not (self.is_front_end or self.mqtt_broker),
                "must be given together with watch, watch_file, or mqtt_role watch",
            ),
            (
                "mqtt_role",
                self.no_collect and self.publishes,
                "must be watch if no_collect is given, because there is no host to publish",
            ),
            (
                "mqtt_role",
                self.mqtt_role != "publish" and not self.mqtt_broker,
                "must be given together with mqtt_broker",
            ),
            (
                "mqtt_key",
                self.mqtt_key and not self.mqtt_cert,
                "must be given together with mqtt_cert",
            ),
            (
                "mqtt_password_file",
                self.mqtt_password_file and not self.mqtt_user,
                "must be given together with mqtt_user",
            ),
            (
                "mqtt_home_assistant",
                self.mqtt_home_assistant and not self.publishes,
                "must be given together with mqtt_broker, and not with mqtt_role watch",
            ),
            (
                "host_id",
                self.mqtt_home_assistant and "." in self.host_id,
                "must not contain a dot with mqtt_home_assistant, whose topics may not have one",
            ),
        ):
            if is_wrong:
                raise SettingsError(name, getattr(self, name), "the settings", allowed)
        for address in listed(self.mqtt_broker):
            _check_broker(address, allow_plain=self.mqtt_allow_plain)
        for network in listed(self.trust_proxy.replace("loopback", "::1")):
            _check_network(network)


def listed(text: str) -> tuple[str, ...]:
    """Return the values of a setting that has several, separated by commas."""
    return tuple(filter(None, text.split(",")))


def _check_broker(address: str, *, allow_plain: bool) -> None:
    """Check the port of a broker, and that TLS is used unless it is on this host or ``allow_plain``."""
    parts = urlsplit(address)
    try:
        in_range = parts.port != 0
    except ValueError:
        in_range = False
    if not in_range:
        allowed = "its port must be a number from 1 to 65535"
        raise SettingsError("mqtt_broker", address, "the settings", allowed)
    if parts.scheme == "mqtt" and not (allow_plain or _is_loopback(parts.hostname or "")):
        allowed = "is not encrypted; use mqtts://, or mqtt_allow_plain if you trust the network"
        raise SettingsError("mqtt_broker", address, "the settings", allowed)


def _check_network(text: str) -> None:
    """Check an address or a network of a proxy."""
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise SettingsError("trust_proxy", text, "the settings", f"{error}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
