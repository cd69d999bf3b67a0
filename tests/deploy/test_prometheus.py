"""The configuration and the rules in deploy/prometheus are valid, and the rules fire when they should."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from telemetry_stream import App
from telemetry_stream.prometheus.exposition import labels
from telemetry_stream.prometheus.sample import TABLE
from tests.apps import FAST
from tests.conftest import eventually
from tests.prometheus.golden import GOLDEN_PAGE
from tests.prometheus.programs import get, program
from tests.viewers import address_of

DIRECTORY = Path(__file__).parent.parent.parent / "deploy/prometheus"
GROUPS = yaml.safe_load((DIRECTORY / "rules.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
CASES = yaml.safe_load((DIRECTORY / "rules_test.yml").read_text())["tests"]
LABELS_OF_OPERATORS = re.compile(r"\b(by|without|on|ignoring) *\([^)]*\)")
SELECTOR = re.compile(r"\b([A-Za-z_:][\w:]*)\b(?! *\()(?:\{([^}]*)\})?")
OPERATORS = ("and", "or", "unless")


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    """Its own checks, and the cases of rules_test.yml."""
    done = subprocess.run(
        [program("promtool", "prometheus"), *arguments],
        cwd=DIRECTORY,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout + done.stderr


def test_each_alert_has_a_case_in_which_it_fires() -> None:
    """Without one, a condition that is never true would not be found."""
    fired = {
        one["alertname"] for case in CASES for one in case["alert_rule_test"] if one["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in RULES if "alert" in rule}


def selectors(expression: str) -> set[tuple[str, str]]:
    """Return the series that a query of Prometheus selects: their names, and one label for each that is given."""
    text = LABELS_OF_OPERATORS.sub("", expression)
    return {
        (name, label)
        for name, given in SELECTOR.findall(text)
        if name not in OPERATORS
        for label in given.split(",")
    }


def test_selectors() -> None:
    """Names with their labels, without functions, operators and durations."""
    text = (
        'avg by (a, b) (rate(x_total{c="d",e="f"}[5m])) > 0.1 and on (g) y >= 2 * 3600 or z{c="d"}'
    )
    assert selectors(text) == {
        ("x_total", 'c="d"'),
        ("x_total", 'e="f"'),
        ("y", ""),
        ("z", 'c="d"'),
    }


def test_each_rule_is_about_series_that_we_have() -> None:
    """Those of this host, of a captured one with other hardware, and those that are declared for sections."""
    declared = [
        f"{one.series.name}{labels({**dict.fromkeys(names, ''), **one.labels})}"
        for _, names, of_fields in TABLE
        for one in of_fields
    ]
    with App(FAST) as app:
        address = address_of(app.url)
        assert eventually(lambda: "telemetry_stream_source_failed" in get(address, "/metrics"))
        page = get(address, "/metrics")
    series = [*page.splitlines(), *GOLDEN_PAGE.read_text().splitlines(), *declared]
    by_name: dict[str, list[str]] = {}
    for one in series:
        by_name.setdefault(re.split("[{ ]", one, maxsplit=1)[0], []).append(one)
    selected = set().union(*(selectors(rule["expr"]) for rule in RULES))
    selected.remove(("up", 'job="node"'))  # Prometheus makes it
    missing = {
        (name, label)
        for name, label in selected
        if not any(label in one for one in by_name.get(name, ()))
    }
    assert missing == set()
