"""Loading of settings: where they come from, in which order of precedence, and their description in --help."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import __version__
from telemetry_stream.settings import Settings, load, unknown_variables
from tests.settings.loads import write_toml


def test_a_flag_overrides_a_variable_which_overrides_the_file(tmp_path: Path) -> None:
    """For each setting on its own."""
    path = write_toml(tmp_path, 'port = 1\ninterval = 2\nhistory = 3\nlog_level = "debug"')
    environment = {"TELEMETRY_STREAM_PORT": "10", "TELEMETRY_STREAM_INTERVAL": "20"}
    settings = load(["--config", path, "--port", "100"], environment)
    assert (settings.port, settings.interval, settings.history) == (100, 20.0, 3.0)
    assert settings.log_level == "debug"
    assert settings.max_viewers == Settings().max_viewers


def test_every_setting_is_a_flag_a_variable_and_a_key_of_the_file(tmp_path: Path) -> None:
    """With the same meaning. Only the token is not available as a flag."""
    given_values: dict[str, Any] = {
        "host": "::1",
        "port": 0,
        "no_auth": False,
        "token_file": "/etc/tokens",
        "token": "0123456789abcdef",
        "state_dir": str(tmp_path),
        "allow_host": "home.example,board",
        "allow_origin": "https://home.example,http://board:3000",
        "frame_ancestors": "'self' https://home.example",
        "tls_cert": "/etc/cert.pem",
        "tls_key": "/etc/key.pem",
        "trust_proxy": "loopback,10.0.0.0/8,2001:db8::1",
        "interval": 0.5,
        "idle_interval": 5.0,
        "history": 60.0,
        "max_history_bytes": 2_000_000,
        "max_viewers": 7,
        "max_viewers_per_address": 3,
        "spare_connections": 9,
        "max_connections_per_address": 4,
        "max_requests_per_connection": 5,
        "max_head_bytes": 2000,
        "head_seconds": 2.5,
        "max_message_bytes": 1000,
        "max_messages_per_second": 10,
        "watch": "https://web1:8750,https://web2:8750",
        "watch_file": "/etc/hosts.txt",
        "watch_allow_plain": False,
        "no_collect": False,
        "max_hosts": 20,
        "max_watched_hosts": 10,
        "host_forget_seconds": 3600.0,
        "host_id": "web-1",
        "site": "east",
        "tags": "db,eu",
        "mqtt_broker": "mqtts://a:8884,mqtt://[::1]",
        "mqtt_role": "both",
        "mqtt_user": "ada",
        "mqtt_password_file": "/etc/password",
        "mqtt_ca": "/etc/ca.pem",
        "mqtt_cert": "/etc/client.pem",
        "mqtt_key": "/etc/client.key",
        "mqtt_prefix": "fleet",
        "mqtt_allow_plain": True,
        "mqtt_home_assistant": True,
        "rules": "/etc/rules.toml",
        "notify": "/etc/notify.toml",
        "process_arguments": "full",
        "container_api": "unix:///run/docker.sock,tcp://[::1]:2375",
        "proc_root": "/proc/self/root/proc",
        "sys_root": str(tmp_path),
        "log_level": "warning",
        "log_format": "json",
    }
    assert set(given_values) == {row.name for row in fields(Settings)}
    expected = Settings(**given_values)
    flags, variables, lines = [], {}, []
    for name, value in given_values.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            flags.append(flag)
        elif name != "token" and value is not False:
            flags += [flag, str(value)]
        variables["TELEMETRY_STREAM_" + name.upper()] = str(value)
        text = repr(value) if isinstance(value, str) else str(value).lower()
        lines.append(f"{name} = {text}")
    assert load(flags, {"TELEMETRY_STREAM_TOKEN": given_values["token"]}) == expected
    assert load(["--no-auth"], {}).no_auth
    assert load([], variables) == expected
    assert load(["--config", write_toml(tmp_path, "\n".join(lines))], {}) == expected


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("true", True), ("True", True), ("0", False), ("False", False)]
)
def test_a_truth_value_in_a_variable(text: str, value: bool) -> None:
    """As true and false, in any case, or as 1 and 0."""
    assert load([], {"TELEMETRY_STREAM_NO_AUTH": text}).no_auth is value


def test_a_variable_can_name_the_file(tmp_path: Path) -> None:
    """The flag --config overrides it, and then only the file of the flag is read."""
    path = write_toml(tmp_path, "port = 1")
    environment = {"TELEMETRY_STREAM_CONFIG": path}
    assert load([], environment).port == 1
    other = tmp_path / "other.toml"
    other.write_text("interval = 2")
    assert load(["--config", str(other)], environment) == Settings(interval=2)


def test_a_variable_that_names_no_setting_is_ignored() -> None:
    """It may be misspelled: there is a sentence with the nearest name, without the value, which may be a token."""
    environment = {"TELEMETRY_STREAM_TOKEN_FLIE": "secret", "TELEMETRY_STREAM_PORT": "1"}
    assert load([], environment) == Settings(port=1)
    (sentence,) = unknown_variables(environment)
    assert sentence == (
        "TELEMETRY_STREAM_TOKEN_FLIE is ignored: it is not a setting (the nearest is TELEMETRY_STREAM_TOKEN_FILE)"
    )


def test_variables_of_container_platforms_are_ignored_without_a_sentence() -> None:
    """Kubernetes and Docker set them for a service or a container of this name."""
    names = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_8750_TCP_ADDR", "NAME"]
    environment = {f"TELEMETRY_STREAM_{name}": "10.0.0.1" for name in names} | {"PATH": "/bin"}
    assert load([], environment) == Settings()
    assert unknown_variables({**environment, "TELEMETRY_STREAM_CONFIG": "/x.toml"}) == []


def test_help_describes_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """With its allowed values and default. The status is 0."""
    with pytest.raises(SystemExit) as caught:
        load(["--help"], {})
    text = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert (
        "--interval SECONDS Time between two samples (a number of seconds from 0.1 to 60; default 1)"
        in text
    )
    for row in fields(Settings):
        if row.metadata["secret"]:
            assert f"--{row.name} " not in text
            continue
        assert f"--{row.name.replace('_', '-')}" in text
        assert row.metadata["description"] in text


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    """The status is 0."""
    with pytest.raises(SystemExit) as caught:
        load(["--version"], {})
    assert (caught.value.code, capsys.readouterr().out) == (0, f"telemetry-stream {__version__}\n")
