"""Invalid settings: an error is one line with the setting, its value, where it comes from, and what is allowed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from telemetry_stream.settings import Settings, SettingsError, load
from tests.settings.loads import assert_is_one_line_about, load_error, write_toml


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--port", "http"], "port = 'http' from --port: must be a whole number from 0 to 65535"),
        (["--port", "65536"], "port = 65536 from --port: must be a whole number from 0 to 65535"),
        (["--port", "-1"], "port = -1 from --port: must be a whole number from 0 to 65535"),
        (
            ["--interval", "0.05"],
            "interval = 0.05 from --interval: must be a number of seconds from 0.1 to 60",
        ),
        (
            ["--interval", "nan"],
            "interval = nan from --interval: must be a number of seconds from 0.1 to 60",
        ),
        (
            ["--history", "inf"],
            "history = inf from --history: must be a number of seconds from 0 to 86400",
        ),
        (
            ["--max-viewers", "0"],
            "max_viewers = 0 from --max-viewers: must be a whole number from 1 to 100000",
        ),
        (
            ["--proc-root", "/nowhere"],
            "proc_root = '/nowhere' from --proc-root: must be a directory where procfs is mounted",
        ),
        (
            ["--sys-root", "/proc/version"],
            "sys_root = '/proc/version' from --sys-root: must be an existing directory",
        ),
        (
            ["--log-level", "loud"],
            "log_level = 'loud' from --log-level: must be one of debug, info, warning, error",
        ),
        (
            ["--host", "[::1]"],
            "host = '[::1]' from --host: must be an address or a host name, without brackets",
        ),
        (
            ["--host", ""],
            "host = '' from --host: must be an address or a host name, without brackets",
        ),
        (
            ["--config", "/nowhere.toml"],
            "config = '/nowhere.toml' from --config: cannot be read: No such file or directory",
        ),
        (
            ["--prot", "1"],
            "arguments = ['--prot', '1'] from the command line: unrecognized arguments: --prot 1 (see --help)",
        ),
        (
            ["--port"],
            "arguments = ['--port'] from the command line: argument --port: expected one argument (see --help)",
        ),
    ],
)
def test_an_invalid_flag(arguments: list[str], line: str) -> None:
    """The line names the flag."""
    assert str(load_error(arguments)) == line


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("interval", "fast", "must be a number of seconds from 0.1 to 60"),
        ("no_auth", "yes", "must be true or false"),
    ],
)
def test_an_invalid_variable(name: str, value: str, allowed: str) -> None:
    """The line names the variable, and no flag."""
    variable = f"TELEMETRY_STREAM_{name.upper()}"
    error = load_error([], {variable: value})
    assert (error.name, error.value, error.origin, error.allowed) == (
        name,
        value,
        variable,
        allowed,
    )


def test_an_invalid_value_is_an_error_even_if_it_is_overridden() -> None:
    """Otherwise it would be found only on the day when the flag is removed."""
    error = load_error(["--port", "1"], {"TELEMETRY_STREAM_PORT": "x"})
    assert error.origin == "TELEMETRY_STREAM_PORT"


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ("intervall = 1", "intervall", "unknown setting (known: host, port"),
        ("[server]\nport = 1", "server", "unknown setting"),
        ('config = "x"', "config", "unknown setting"),
        ('port = "8750"', "port", "must be a whole number from 0 to 65535"),
        ("port = true", "port", "must be a whole number"),
        ("port = 8750.0", "port", "must be a whole number"),
        ("interval = false", "interval", "must be a number of seconds"),
        ("interval = 1979-05-27", "interval", "must be a number of seconds"),
        ("interval = nan", "interval", "must be a number of seconds"),
        ("history = [600]", "history", "must be a number of seconds"),
        ("no_auth = 1", "no_auth", "must be true or false"),
        ("host = 127", "host", "must be an address or a host name"),
        ('proc_root = "/pr\\u0000oc"', "proc_root", "must be a directory where procfs is mounted"),
        ('proc_root = "/"', "proc_root", "must be a directory where procfs is mounted"),
        ("port = ", "config", "is not valid TOML: Invalid value (at "),
        ("port = 1\nport = 2", "config", "is not valid TOML: Cannot overwrite a value"),
        ("#" * (1024 * 1024 + 1), "config", "is larger than 1024 KiB"),
        ("port = " + "9" * 5000, "config", "is not valid TOML"),
        ("port = " + "[" * 5000, "config", "is not valid TOML"),
    ],
)
def test_an_invalid_file(tmp_path: Path, content: str, name: str, reason: str) -> None:
    """Unknown keys, wrong types, values out of range and invalid TOML: the line names the file."""
    path = write_toml(tmp_path, content)
    error = load_error(["--config", path])
    assert error.name == name
    assert path in str(error)
    assert reason in str(error)


def test_an_unreadable_file(tmp_path: Path) -> None:
    """A directory, a path with a NUL, and a file that is not UTF-8."""
    assert "Is a directory" in str(load_error(["--config", str(tmp_path)]))
    assert "null byte" in str(load_error(["--config", "a\0b"]))
    path = tmp_path / "latin.toml"
    path.write_bytes(b'host = "\xe9"')
    assert "is not valid TOML" in str(load_error([], {"TELEMETRY_STREAM_CONFIG": str(path)}))


SECRET = "hunter2-hunter2-hunter2"


@pytest.mark.parametrize(
    ("arguments", "environment", "content"),
    [
        (["--token", SECRET], {}, ""),
        ([f"--token={SECRET}"], {}, ""),
        (["--tokn", SECRET], {}, ""),
        (["-token", SECRET], {}, ""),
        ([f"--auth-token={SECRET}"], {}, ""),
        ([], {"TELEMETRY_STREAM_TOKEN": SECRET + "!"}, ""),
        ([], {}, f"token = '{SECRET}!'"),
        ([], {}, f"tokn = '{SECRET}'"),
        ([], {}, f"[token]\nmain = '{SECRET}'"),
    ],
)
def test_an_error_never_contains_a_token(
    arguments: list[str], environment: dict[str, str], content: str, tmp_path: Path
) -> None:
    """Neither an invalid one, nor one that is given in the wrong place."""
    files = ["--config", write_toml(tmp_path, content)] if content else []
    error = load_error([*arguments, *files], environment)
    assert "hunter2" not in str(error)
    assert "hunter2" not in repr(error)


def test_a_password_in_an_address_is_not_shown() -> None:
    """It belongs into mqtt_password_file."""
    error = load_error(["--mqtt-broker", "mqtts://ada:hunter2@broker"])
    assert "mqtts://(secret)@broker" in str(error)
    assert "hunter2" not in str(load_error(["--mqtt-broker", "mqtts://ada:hunter2@broker", "--x"]))


def test_a_long_value_is_shortened() -> None:
    """The line stays readable."""
    assert len(str(load_error([], {"TELEMETRY_STREAM_PORT": "9" * 10_000}))) < 300


# The deadline of hypothesis would fail on a busy machine. Settings of a kind share a parser, so each kind gets dozens.
@hypothesis_settings(max_examples=500)
@given(name=st.sampled_from([row.name for row in fields(Settings)]), text=st.text(max_size=30))
def test_any_text_in_a_variable_is_valid_or_an_error(name: str, text: str) -> None:
    """The error names the setting, in one line."""
    try:
        load([], {"TELEMETRY_STREAM_" + name.upper(): text})
    except SettingsError as error:
        assert_is_one_line_about(name, error)


toml_values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="'"), max_size=20
        ),
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


def toml_text(value: object) -> str:
    """Return a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_text, value)) + "]"
    return f"'{value}'" if isinstance(value, str) else repr(value)


@given(name=st.sampled_from([row.name for row in fields(Settings)]), value=toml_values)
def test_any_value_in_a_file_is_kept_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: object
) -> None:
    """It is kept as it was written, and has the type of the default."""
    path = write_toml(tmp_path_factory.getbasetemp(), f"{name} = {toml_text(value)}")
    try:
        settings = load(["--config", path], {})
    except SettingsError as error:
        assert_is_one_line_about(name, error)
    else:
        assert getattr(settings, name) == value
        assert type(getattr(settings, name)) is type(getattr(Settings(), name))
