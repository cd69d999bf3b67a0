"""Helpers to load settings: from a TOML file of the test, and with an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from telemetry_stream.settings import SettingsError, load


def write_toml(folder: Path, content: str) -> str:
    """Write a settings file and return its path."""
    path = folder / "telemetry.toml"
    path.write_text(content)
    return str(path)


def load_error(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> SettingsError:
    """Load settings, one of which must be invalid; return the error."""
    with pytest.raises(SettingsError) as caught:
        load(arguments, environment or {})
    assert_is_one_line_about(caught.value.name, caught.value)
    return caught.value


def assert_is_one_line_about(name: str, error: SettingsError) -> None:
    """Assert that the error is about this setting, and that its text is one line, whatever the value contains."""
    assert error.name == name
    assert len(str(error).splitlines()) == 1
