"""Random settings are loaded, or refused with one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_stream.settings import Settings, SettingsError, load

NAMES = [row.name for row in fields(Settings)]

SCALARS = (
    "true", "0", "-1", "1.5", "1e400", "nan", "inf", '""', '"x"', "'/proc'", "[]", "{}", "[1, 'a']",
    "1979-05-27", "07:32:00", "0x10", "9" * 30, '"\\u0000"', '"localhost"', '"é"', "'::1'", "60", "8751",
)  # fmt: skip

scalars = st.sampled_from(SCALARS)
lines = st.tuples(
    st.sampled_from([*NAMES, "config", "nothing", "a.b"]), scalars | st.text(max_size=30)
).map(" = ".join)
tables = st.lists(lines | st.text(max_size=30) | st.just("[table]"), max_size=6).map("\n".join)
texts = st.sampled_from(("", "1", "true", "0.5", "-1", "nan", "x", "/", "::1", "1e9")) | st.text(
    max_size=30
)
# An environment and a command line cannot contain a NUL or a lone surrogate.
values = texts.map(lambda text: text.replace("\0", ""))


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Load the settings; an error must be one line."""
    message = "none"
    code: object = 0
    try:
        load(arguments, environment)
    except SettingsError as error:
        message = str(error)
    except SystemExit as end:  # --help, --version
        code = end.code
    assert len(message.splitlines()) == 1
    assert code == 0


def test_any_file(tmp_path: Path) -> None:
    """Valid TOML, nearly valid TOML, or none."""
    path = tmp_path / "settings.toml"

    @settings(max_examples=400)
    @given(tables.map(lambda text: text.encode(errors="replace")) | st.binary(max_size=100))
    def load_file(content: bytes) -> None:
        path.write_bytes(content)
        read(["--config", str(path)], {})

    load_file()


@given(st.dictionaries(st.sampled_from([*NAMES, "config", "nothing"]), values, max_size=5))
def test_any_environment(variables: dict[str, str]) -> None:
    """Every variable of the program, and some with a similar name."""
    read([], {f"TELEMETRY_STREAM_{name.upper()}": value for name, value in variables.items()})


@given(
    st.lists(
        st.tuples(st.sampled_from([f"--{name.replace('_', '-')}" for name in NAMES]), values).map(
            "=".join
        )
        | st.sampled_from([f"--{name.replace('_', '-')}" for name in NAMES])
        | values,
        max_size=5,
    )
)
def test_any_command_line(arguments: list[str]) -> None:
    """Options with and without values, and other arguments."""
    read(arguments, {})
