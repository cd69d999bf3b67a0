"""``telemetry-stream rules``: checks a file, and lists what is evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry_stream.alerts.rules import RuleError, load
from telemetry_stream.alerts.rules_command import UsageError, run


def test_check_reports_a_valid_file(tmp_path: Path) -> None:
    """With the number of rules that would be evaluated."""
    path = tmp_path / "rules.toml"
    path.write_text("defaults = false\n[[rule]]\nname = 'a'\ninfo = 'load.avg1 > 1'\n")
    assert run(["check", str(path)]) == f"{path}: valid; 1 rules with the default ones"
    path.write_text("[[rule]]\n")
    with pytest.raises(RuleError):
        run(["check", str(path)])


def test_list_has_every_rule(tmp_path: Path) -> None:
    """Without a file the default ones."""
    listed = run(["list"])
    assert all(f"{rule.name}" in listed for rule in load(""))
    assert "filesystem_full, for each of filesystems\n  where: not read_only\n" in listed
    path = tmp_path / "rules.toml"
    path.write_text("defaults = false\n[[rule]]\nname = 'a'\ninfo = 'load.avg1 > 1'\nfor = '1m'\n")
    assert run(["list", str(path)]) == (
        "a\n  info: load.avg1 > 1\n  fires after 60 s, resolves after 30 s"
    )


@pytest.mark.parametrize(
    "arguments", [[], ["check"], ["check", "a", "b"], ["list", "a", "b"], ["x"]]
)
def test_other_arguments_are_an_error(arguments: list[str]) -> None:
    """With the usage."""
    with pytest.raises(UsageError, match="use 'rules check FILE' or 'rules list"):
        run(arguments)
