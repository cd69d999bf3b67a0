"""Settings: precedence, every way to be wrong, and the sentence that says so."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from telemetry_stream import __version__
from telemetry_stream.settings import Settings, SettingsError, limits, load
from telemetry_stream.validation import shown_default

# A busy machine is not a slow program: no test here is about speed.
without_hurry = hypothesis_settings(deadline=None)

README = Path(__file__).parent.parent / "README.md"


def toml(folder: Path, content: str) -> str:
    """Write a settings file and return its path."""
    path = folder / "telemetry.toml"
    path.write_text(content)
    return str(path)


def refusal(arguments: list[str], environment: dict[str, str] | None = None) -> SettingsError:
    """The error that loading ends with."""
    with pytest.raises(SettingsError) as caught:
        load(arguments, environment or {})
    check_is_one_line_about(caught.value.name, caught.value)
    return caught.value


def check_is_one_line_about(name: str, error: SettingsError) -> None:
    """Whatever the value held, the error is one line and names the setting."""
    assert error.name == name
    assert len(str(error).splitlines()) == 1


def test_defaults_are_those_of_the_table() -> None:
    """Nothing given means the documented defaults."""
    assert load([], {}) == Settings()
    assert (Settings().host, Settings().port, Settings().interval) == ("127.0.0.1", 8750, 1.0)
    assert Settings().history == 600.0


def test_flags_beat_environment_beats_file_beats_defaults(tmp_path: Path) -> None:
    """Each origin hides the weaker ones, setting by setting."""
    path = toml(tmp_path, 'port = 1\ninterval = 2\nhistory = 3\nlog_level = "debug"')
    environment = {"TELEMETRY_STREAM_PORT": "10", "TELEMETRY_STREAM_INTERVAL": "20"}
    settings = load(["--config", path, "--port", "100"], environment)
    assert (settings.port, settings.interval, settings.history) == (100, 20.0, 3.0)
    assert settings.log_level == "debug"
    assert settings.max_viewers == Settings().max_viewers


def test_every_setting_can_come_from_every_origin(tmp_path: Path) -> None:
    """Flag, variable and TOML key exist for each row and mean the same."""
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
        "max_viewers": 7,
        "max_viewers_per_address": 3,
        "spare_connections": 9,
        "max_connections_per_address": 4,
        "max_requests_per_connection": 5,
        "max_head_bytes": 2000,
        "head_seconds": 2.5,
        "max_message_bytes": 1000,
        "max_messages_per_second": 10,
        "proc_root": str(tmp_path),
        "sys_root": str(tmp_path),
        "log_level": "warning",
        "log_format": "json",
    }
    assert set(given_values) == {row.name for row in fields(Settings)}
    expected = Settings(**given_values)
    flags, variables, lines = [], {}, []
    no_flags = {"TELEMETRY_STREAM_TOKEN": given_values["token"]}  # other users see flags
    for name, value in given_values.items():
        flag = "--" + name.replace("_", "-")
        if name != "token" and value is not False:
            flags += [flag, str(value)]
        variables["TELEMETRY_STREAM_" + name.upper()] = str(value)
        lines.append(
            f"{name} = {str(value).lower() if not isinstance(value, str) else repr(value)}"
        )
    assert load(flags, no_flags) == expected
    assert load(["--no-auth"], {}).no_auth
    assert load([], variables) == expected
    assert load(["--config", toml(tmp_path, "\n".join(lines))], {}) == expected


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    """TELEMETRY_STREAM_CONFIG names a file; --config names another in its stead."""
    path = toml(tmp_path, "port = 1")
    assert load([], {"TELEMETRY_STREAM_CONFIG": path}).port == 1
    other = tmp_path / "other.toml"
    other.write_text("port = 2")
    assert load(["--config", str(other)], {"TELEMETRY_STREAM_CONFIG": path}).port == 2


def test_variables_that_name_no_setting_are_let_be() -> None:
    """A container platform's own variables with our prefix do no harm."""
    assert load([], {"TELEMETRY_STREAM_SERVICE_HOST": "10.0.0.1", "PATH": "/bin"}) == Settings()


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
            "proc_root = '/nowhere' from --proc-root: must be a directory that exists",
        ),
        (
            ["--sys-root", "/proc/version"],
            "sys_root = '/proc/version' from --sys-root: must be a directory that exists",
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
def test_a_wrong_flag_is_one_line(arguments: list[str], line: str) -> None:
    """The line names the setting, its value, where it came from and what is allowed."""
    assert str(refusal(arguments)) == line


def test_a_wrong_variable_names_the_variable() -> None:
    """The reader sees which variable to mend, and nothing about flags."""
    error = refusal([], {"TELEMETRY_STREAM_INTERVAL": "fast"})
    assert (error.name, error.value) == ("interval", "fast")
    assert error.origin == "TELEMETRY_STREAM_INTERVAL"
    assert error.allowed == "must be a number of seconds from 0.1 to 60"


def test_a_wrong_truth_value_says_which_there_are() -> None:
    """Truth is spelled true, false, 1 or 0."""
    assert refusal([], {"TELEMETRY_STREAM_NO_AUTH": "yes"}).allowed == "must be true or false"
    assert load([], {"TELEMETRY_STREAM_NO_AUTH": "1"}).no_auth
    assert not load([], {"TELEMETRY_STREAM_NO_AUTH": "False"}).no_auth


def test_a_wrong_value_is_refused_where_a_stronger_one_hides_it() -> None:
    """It would come to light on the day on which the flag is dropped."""
    assert (
        refusal(["--port", "1"], {"TELEMETRY_STREAM_PORT": "x"}).origin == "TELEMETRY_STREAM_PORT"
    )


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("intervall = 1", "intervall", "no such setting; there are host, port"),
        ("[server]\nport = 1", "server", "no such setting"),
        ('config = "x"', "config", "no such setting"),
        ('port = "8750"', "port", "must be a whole number from 0 to 65535"),
        ("port = true", "port", "must be a whole number"),
        ("port = 8750.0", "port", "must be a whole number"),
        ("interval = false", "interval", "must be a number of seconds"),
        ("interval = 1979-05-27", "interval", "must be a number of seconds"),
        ("interval = nan", "interval", "must be a number of seconds"),
        ("history = [600]", "history", "must be a number of seconds"),
        ("no_auth = 1", "no_auth", "must be true or false"),
        ("host = 127", "host", "must be an address or a host name"),
        ('proc_root = "/pr\\u0000oc"', "proc_root", "must be a directory that exists"),
        ("port = ", "config", "is not valid TOML: Invalid value (at "),
        ("port = 1\nport = 2", "config", "is not valid TOML: Cannot overwrite a value"),
        ("port = " + "9" * 5000, "config", "is not valid TOML"),
        ("port = " + "[" * 5000, "config", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, content: str, name: str, says: str) -> None:
    """Unknown keys, wrong types, values out of range and broken TOML all name the file."""
    path = toml(tmp_path, content)
    error = refusal(["--config", path])
    assert error.name == name
    assert path in str(error)
    assert says in str(error)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A directory, a path with a NUL and a file that is not UTF-8 are sentences too."""
    assert "Is a directory" in str(refusal(["--config", str(tmp_path)]))
    assert "null byte" in str(refusal(["--config", "a\0b"]))
    path = tmp_path / "latin.toml"
    path.write_bytes(b'host = "\xe9"')
    assert "is not valid TOML" in str(refusal([], {"TELEMETRY_STREAM_CONFIG": str(path)}))


@pytest.mark.parametrize(
    "wrong",
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
def test_an_embedding_program_is_checked_too(wrong: dict[str, Any]) -> None:
    """Settings() holds its own arguments to the same rows."""
    with pytest.raises(SettingsError, match=r"from Settings\(\): must be") as caught:
        Settings(**wrong)
    assert caught.value.name in wrong


def test_settings_do_not_change() -> None:
    """What was checked stays true."""
    settings = Settings(port=0)
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


def test_connections_leave_room_beside_the_viewers() -> None:
    """A full house of viewers still leaves the health check a connection."""
    assert Settings(max_viewers=5, spare_connections=8).max_connections == 13


@pytest.mark.parametrize(
    ("together", "name", "says"),
    [
        ({"tls_cert": "/c"}, "tls_cert", "come together"),
        ({"tls_key": "/k"}, "tls_key", "come together"),
        ({"no_auth": True, "token": "0123456789abcdef"}, "no_auth", "whoever has none"),
        ({"no_auth": True, "token_file": "/t"}, "no_auth", "whoever has none"),
        ({"trust_proxy": "loopback,10.0.0.300"}, "trust_proxy", "10.0.0.300"),
        ({"trust_proxy": "10.0.0.0/33"}, "trust_proxy", "10.0.0.0/33"),
    ],
)
def test_values_that_do_not_go_together(together: dict[str, Any], name: str, says: str) -> None:
    """What one value says about another is checked as well."""
    with pytest.raises(SettingsError, match=says) as caught:
        Settings(**together)
    check_is_one_line_about(name, caught.value)


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
def test_a_token_is_never_in_an_error(
    arguments: list[str], environment: dict[str, str], content: str, tmp_path: Path
) -> None:
    """Neither where it is wrong, nor where it stands in the wrong place."""
    files = ["--config", toml(tmp_path, content)] if content else []
    with pytest.raises(SettingsError) as caught:
        load([*arguments, *files], environment)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value)


def test_a_token_is_not_in_the_settings_text() -> None:
    """They may be logged by an embedding program."""
    assert "hunter2" not in repr(Settings(token=SECRET))


def test_a_long_value_does_not_flood_the_line() -> None:
    """The sentence stays readable whatever was pasted into the variable."""
    assert len(str(refusal([], {"TELEMETRY_STREAM_PORT": "9" * 10_000}))) < 300


@without_hurry
@given(st.text(max_size=30))
def test_any_text_is_a_value_or_one_line(text: str) -> None:
    """No text in a variable leads to anything but Settings or a SettingsError of one line."""
    for row in fields(Settings):
        try:
            load([], {"TELEMETRY_STREAM_" + row.name.upper(): text})
        except SettingsError as error:
            check_is_one_line_about(row.name, error)


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


def written(value: object) -> str:
    """Spell a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return f"'{value}'" if isinstance(value, str) else repr(value)


@without_hurry
@given(name=st.sampled_from([row.name for row in fields(Settings)]), value=toml_values)
def test_any_toml_value_is_kept_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: object
) -> None:
    """A TOML value is either in the settings as it was written, or refused by its own name in one line."""
    path = toml(tmp_path_factory.getbasetemp(), f"{name} = {written(value)}")
    try:
        settings = load(["--config", path], {})
    except SettingsError as error:
        check_is_one_line_about(name, error)
    else:
        assert getattr(settings, name) == value
        assert type(getattr(settings, name)) is type(getattr(Settings(), name))


def test_help_shows_every_setting_with_its_range_and_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """--help is the table, and leaves with 0."""
    with pytest.raises(SystemExit) as left:
        load(["--help"], {})
    text = " ".join(capsys.readouterr().out.split())
    assert left.value.code == 0
    assert (
        "--interval SECONDS time between samples (a number of seconds from 0.1 to 60; default 1)"
        in text
    )
    for row in fields(Settings):
        if row.metadata["secret"]:
            assert f"--{row.name} " not in text
            continue
        assert f"--{row.name.replace('_', '-')}" in text
        assert row.metadata["means"] in text


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints name and version, and leaves with 0."""
    with pytest.raises(SystemExit) as left:
        load(["--version"], {})
    assert (left.value.code, capsys.readouterr().out) == (0, f"telemetry-stream {__version__}\n")


def test_the_readme_s_table_is_this_table() -> None:
    """README.md lists each setting with its default and what it may be, in the order of the table."""
    expected = []
    for row in fields(Settings):
        default = shown_default(row)
        expected.append(f"| `{row.name}` | `{default}` | {limits(row)} | {row.metadata['means']} |")
    assert re.findall(r"^\| `\w+` \|.*\|$", README.read_text("utf-8"), re.MULTILINE) == expected
