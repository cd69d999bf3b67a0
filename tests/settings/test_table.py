"""The table of settings: its defaults, its description in the README, and settings that depend on each other."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.settings import Settings, SettingsError, load
from telemetry_stream.settings.validation import limits, shown_default
from tests.settings.loads import assert_is_one_line_about

README = Path(__file__).parent.parent.parent / "README.md"


def test_the_defaults_are_those_of_the_table() -> None:
    """They are used if nothing is given."""
    assert load([], {}) == Settings()
    assert (Settings().host, Settings().port, Settings().interval) == ("127.0.0.1", 8750, 1.0)
    assert Settings().history == 600.0


def test_the_readme_has_the_same_table() -> None:
    """Each setting with its default, allowed values and description, in the same order."""
    expected = [
        f"| `{row.name}` | `{shown_default(row)}` | {limits(row)} | {row.metadata['description']} |"
        for row in fields(Settings)
    ]
    assert re.findall(r"^\| `\w+` \|.*\|$", README.read_text("utf-8"), re.MULTILINE) == expected


def test_settings_cannot_be_changed() -> None:
    """So every value in them has been checked."""
    settings = Settings(port=0)
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


def test_connections_are_reserved_beside_the_viewers() -> None:
    """At the limit of viewers, a health check still gets a connection."""
    assert Settings(max_viewers=5, spare_connections=8).max_connections == 13


def test_a_token_is_not_in_the_text_of_the_settings() -> None:
    """An embedding program may log them."""
    assert "0123456789abcdef" not in repr(Settings(token="0123456789abcdef"))


@pytest.mark.parametrize(
    "values",
    [
        {"port": 65536},
        {"port": "8750"},
        {"port": True},
        {"interval": 0},
        {"interval": None},
        {"history": -1},
        {"no_auth": "yes"},
        {"log_level": "INFO"},
        {"proc_root": "/nowhere"},
    ],
)
def test_an_invalid_value_of_an_embedding_program(values: dict[str, Any]) -> None:
    """``Settings()`` checks its arguments by the same rules."""
    with pytest.raises(SettingsError, match=r"from Settings\(\): must be") as caught:
        Settings(**values)
    assert caught.value.name in values


@pytest.mark.parametrize(
    ("values", "name", "reason"),
    [
        ({"tls_cert": "/c"}, "tls_cert", "must be given together"),
        ({"tls_key": "/k"}, "tls_key", "must be given together"),
        ({"no_auth": True, "token": "0123456789abcdef"}, "no_auth", "must not be given together"),
        ({"no_auth": True, "token_file": "/t"}, "no_auth", "must not be given together"),
        ({"trust_proxy": "loopback,10.0.0.300"}, "trust_proxy", "10.0.0.300"),
        ({"trust_proxy": "10.0.0.0/33"}, "trust_proxy", "10.0.0.0/33"),
    ],
)
def test_invalid_combinations(values: dict[str, Any], name: str, reason: str) -> None:
    """Each value is valid, but not with the others, or not as an address."""
    with pytest.raises(SettingsError, match=reason) as caught:
        Settings(**values)
    assert_is_one_line_about(name, caught.value)


@pytest.mark.parametrize(
    ("given", "name", "allowed"),
    [
        ({"mqtt_broker": "mqtt://broker"}, "mqtt_broker", "mqtt_allow_plain"),
        ({"mqtt_broker": "mqtts://a,mqtt://10.0.0.1"}, "mqtt_broker", "mqtt_allow_plain"),
        ({"mqtt_broker": "mqtts://a:0"}, "mqtt_broker", "from 1 to 65535"),
        ({"mqtt_broker": "mqtts://a:99999"}, "mqtt_broker", "from 1 to 65535"),
        ({"mqtt_broker": "http://a"}, "mqtt_broker", "addresses such as mqtts://broker:8883"),
        ({"mqtt_prefix": "a/b"}, "mqtt_prefix", "letters"),
        ({"mqtt_broker": "mqtts://a", "mqtt_role": "read"}, "mqtt_role", "publish, watch, both"),
        ({"mqtt_role": "watch"}, "mqtt_role", "together with mqtt_broker"),
        ({"mqtt_broker": "mqtts://a", "no_collect": True}, "mqtt_role", "must be watch"),
        (
            {"mqtt_broker": "mqtts://a", "no_collect": True, "mqtt_role": "both"},
            "mqtt_role",
            "must be watch",
        ),
        (
            {"mqtt_broker": "mqtts://a", "mqtt_role": "watch", "mqtt_home_assistant": True},
            "mqtt_home_assistant",
            "not with mqtt_role watch",
        ),
        (
            {"mqtt_broker": "mqtts://a", "mqtt_home_assistant": True, "host_id": "web1.example"},
            "host_id",
            "must not contain a dot with mqtt_home_assistant",
        ),
        ({"mqtt_key": "/k"}, "mqtt_key", "together with mqtt_cert"),
        ({"mqtt_password_file": "/p"}, "mqtt_password_file", "together with mqtt_user"),
        ({"mqtt_home_assistant": True}, "mqtt_home_assistant", "together with mqtt_broker"),
    ],
)
def test_an_unusable_broker(given: dict[str, Any], name: str, allowed: str) -> None:
    """Without TLS, only a broker on this host is allowed unless the user confirms it."""
    with pytest.raises(SettingsError, match=allowed) as caught:
        Settings(**given)
    assert caught.value.name == name


@pytest.mark.parametrize(
    "address", ["mqtt://localhost", "mqtt://127.0.0.1:1884", "mqtt://[::1]", "mqtts://broker:8884"]
)
def test_a_usable_broker(address: str) -> None:
    """On loopback without TLS, or anywhere with it."""
    assert Settings(mqtt_broker=address).mqtt_broker == address
    assert Settings(mqtt_broker="mqtt://broker", mqtt_allow_plain=True).mqtt_allow_plain
