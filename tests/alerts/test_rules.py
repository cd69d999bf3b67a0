"""Files of rules: what they may have, and one line for each mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from telemetry_stream.alerts.rules import DEFAULTS, MAX_FILE_BYTES, RuleError, load
from tests.alerts.samples import rules_of


def test_the_default_rules_are_used_without_a_file() -> None:
    """Each has a text and a name of its own, and needs no on-demand section."""
    rules = load("")
    names = [rule.name for rule in rules]
    assert len(set(names)) == len(names) == DEFAULTS.read_text().count("[[rule]]")
    assert not any(rule.on_demand for rule in rules)
    assert all("text" in rule.source for rule in rules)


def test_a_rule_of_the_user_replaces_the_default_one(tmp_path: Path) -> None:
    """Others stay, unless they are disabled."""
    text = """
        disabled = ["swapping"]
        [[rule]]
        name = "load"
        warning = "load.avg1 > 100"
        [[rule]]
        name = "own"
        info = "load.avg1 > 1"
    """
    rules = {rule.name: rule for rule in rules_of(text, tmp_path, defaults=True)}
    defaults = {rule.name for rule in load("")}
    assert set(rules) == defaults - {"swapping"} | {"own"}
    assert rules["load"].source["warning"] == "load.avg1 > 100"


def test_without_defaults_only_the_own_rules_are_used(tmp_path: Path) -> None:
    """All keys are optional except name and a condition."""
    (rule,) = rules_of('[[rule]]\nname = "a"\nwarning = "load.avg1 > 1"\n', tmp_path)
    assert (rule.for_seconds, rule.resolve_seconds, rule.table) == (10, 30, None)
    assert rules_of("", tmp_path) == ()


def test_severities_are_in_order_whatever_the_file_has(tmp_path: Path) -> None:
    """The highest first."""
    text = """
        [[rule]]
        name = "a"
        info = "load.avg1 > 1"
        critical = "load.avg1 > 3"
        warning = "load.avg1 > 2"
    """
    (rule,) = rules_of(text, tmp_path)
    assert [level.severity for level in rule.levels] == ["critical", "warning", "info"]


@pytest.mark.parametrize(
    ("text", "section", "fields"),
    [
        ("'memory.used_percent > 90'", "memory", ["memory.used_percent"]),
        ("'3 < pressure.io.some_percent'", "pressure.io", ["pressure.io.some_percent"]),
        (
            "'load.avg1 > 2 and not known(pressure.cpu.some_percent)'",
            "load",
            ["load.avg1"],
        ),
        ("'any(cpu.cores, usage_percent > 90)'", "cpu.cores", ["cpu.cores.usage_percent"]),
        ("'average(load.avg1, \"5m\") > load.avg1'", "load", ["load.avg1"]),
        ("'1 > 2'", None, []),
        (
            "'used_percent > 90 and load.avg1 > 1'\neach = 'filesystems'",
            "filesystems",
            ["filesystems.used_percent", "load.avg1"],
        ),
        ("'1 > 2'\neach = 'storage.arrays'", "storage.arrays", []),
    ],
)
def test_a_level_names_what_it_is_about(
    tmp_path: Path, text: str, section: str | None, fields: list[str]
) -> None:
    """The list of the rule, or the record of the first field; and the fields whose values matter."""
    (rule,) = rules_of(f"[[rule]]\nname = 'a'\nwarning = {text}\n", tmp_path)
    (level,) = rule.levels
    assert (level.section, list(level.fields)) == (section, fields)


def test_each_severity_has_its_own_fields(tmp_path: Path) -> None:
    """Those of its own condition."""
    text = "[[rule]]\nname = 'a'\neach = 'filesystems'\n"
    text += "warning = 'used_percent > 90'\ncritical = 'inodes_used_percent > 90'\n"
    (rule,) = rules_of(text, tmp_path)
    assert [level.fields for level in rule.levels] == [
        ("filesystems.inodes_used_percent",),
        ("filesystems.used_percent",),
    ]


def test_on_demand_sections_are_noted(tmp_path: Path) -> None:
    """They have to be collected for the rule."""
    text = '[[rule]]\nname = "zombies"\nwarning = "processes.by_state.zombie > 100"\n'
    (rule,) = rules_of(text, tmp_path)
    assert rule.on_demand == {"processes"}


@pytest.mark.parametrize(
    ("condition", "sections"),
    [
        ("any(processes, memory_bytes > 1e9)", {"gpus"}),
        ("any(processes, memory_bytes > memory.available_bytes)", {"gpus", "memory"}),
        ("any(processes, any(filesystems, used_percent > 90))", {"gpus", "filesystems"}),
    ],
)
def test_a_field_of_a_row_is_no_section(tmp_path: Path, condition: str, sections: set[str]) -> None:
    """The processes of a GPU: all processes are not collected for them, although the section has their name."""
    text = f'[[rule]]\nname = "gpu"\neach = "gpus"\nwarning = "{condition}"\n'
    (rule,) = rules_of(text, tmp_path)
    assert rule.sections == sections
    assert not rule.on_demand


GOOD = '[[rule]]\nname = "good"\nwarning = "load.avg1 > 1"\n'


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[[rule]\n", 1, "is not valid TOML: "),
        ('a = "\n', 1, "is not valid TOML: "),
        ("a = " + "[" * 5000, 0, "is not valid TOML"),
        ("a = 1" + "0" * 5000, 0, "is not valid TOML"),
        ("\nrulez = 1\n", 2, "rulez: unknown key (known: defaults, disabled, rule)"),
        ("rule = 1\n", 1, "rule: must be tables that begin with [[rule]]"),
        ("defaults = 1\n", 1, "defaults: must be true or false"),
        ("disabled = 'x'\n", 1, "disabled: must be a list of names of default rules"),
        ("\ndisabled = ['nothing']\n", 2, "disabled: 'nothing' is not a default rule (these are"),
        (GOOD * 201, 1, "rule: 201 rules; at most 200 are allowed"),
        (GOOD + GOOD, 5, "name: 'good' is the name of a rule above"),
        ("[[rule]]\nwarning = 'load.avg1 > 1'\n", 1, "name: '' must be 1 to 64 letters,"),
        ("[[rule]]\nname = 'a b'\n", 2, "name: 'a b' must be 1 to 64 letters,"),
        ("[[rule]]\nname = 'a'\n", 2, "name: a has no condition (use critical, warning, info)"),
        ("[[rule]]\nname = 1\n", 2, "name: 1 must be a text"),
        (
            GOOD + "[[rule]]\nname = 'b'\nwarning = 'load.avg > 1'\n",
            6,
            "rule 'b': warning: load has no",
        ),
        (GOOD + "if = 'load.avg1 > 1'\n", 4, "rule 'good': if: unknown key (known: name, each,"),
        (GOOD + "critical = 3\n", 4, "rule 'good': critical: 3 must be a text"),
        (GOOD + "where = 'load.avg1'\n", 4, "rule 'good': where: 'load.avg1' is a number;"),
        (GOOD + "margin = -1\n", 4, "rule 'good': margin: -1 must be a number from 0 on"),
        (GOOD + "margin = nan\n", 4, "rule 'good': margin: nan must be a number from 0 on"),
        (GOOD + "margin = true\n", 4, "rule 'good': margin: True must be a number from 0 on"),
        (GOOD + "for = 10\n", 4, "rule 'good': for: 10 must be a text"),
        (GOOD + "for = '10'\n", 4, "rule 'good': for: '10' must be a number and s, m, h or d,"),
        (GOOD + "resolve_after = '2d'\n", 4, "rule 'good': resolve_after: '2d' must be a number"),
        (
            GOOD + "each = 'memory'\n",
            4,
            "rule 'good': each: memory is not a list (lists: ",
        ),
        (GOOD + "each = 'nothing'\n", 4, "rule 'good': each: 'nothing' is unknown (sections: cpu,"),
        (GOOD + "text = '{nothing}'\n", 4, "rule 'good': text: 'nothing' is unknown"),
        (GOOD + "labels = 'x'\n", 4, "rule 'good': labels: must be a table of at most 8 texts"),
        (
            GOOD + "labels = { severity = 'x' }\n",
            4,
            "rule 'good': labels: the name 'severity' must",
        ),
        (
            GOOD + "labels = { a-b = 'x' }\n",
            4,
            "rule 'good': labels: the name 'a-b' must be 1 to 64",
        ),
        (
            GOOD + "[rule.labels]\nteam = 3\n",
            4,
            "rule 'good': labels: team must be a text of at most",
        ),
        (f'[[rule]]\nname = "{"x" * 1000}"\n', 2, "must be 1 to 64 letters,"),
        (
            f'[[rule]]\nname = "a"\nwarning = "{"true and " * 1_000}true"\n',
            3,
            "has 9004 characters;",
        ),
        ('[[rule]]\nname = "a"\ntext = """\n[[rule]]\n"""\nwarning = "x"\n', 6, "'x' is unknown"),
        ("[[rule]]\n# [[rule]]\n[[rule]]\nname = 'b'\n", 1, "name: '' must be"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_line(
    text: str, line: int, reason: str, tmp_path: Path
) -> None:
    """And with what is allowed."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(RuleError) as caught:
        load(str(path))
    assert caught.value.line == line
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert reason in message
    assert "\n" not in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff", "is not UTF-8"),
        (b"#" * (MAX_FILE_BYTES + 1), "is larger than 256 KiB"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_none_is_an_error(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    """Too large, binary or missing."""
    path = tmp_path / "rules.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RuleError, match=f"^{re.escape(f'{path}: {reason}')}$"):
        load(str(path))
