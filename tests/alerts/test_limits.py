"""Rules that would take too long, or too much memory, on a host with long lists: what exceeds a limit is unknown."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.alerts import engine as engine_module
from telemetry_stream.alerts.engine import (
    MAX_ALERTS,
    MAX_ALL_ALERTS,
    MAX_STEPS,
    RESERVED_ALERTS,
    Engine,
)
from telemetry_stream.alerts.monitor import Monitor
from telemetry_stream.alerts.rules import MAX_WINDOWS, RuleError, load
from telemetry_stream.metrics.sample import Sample
from tests.alerts.samples import cpu, filesystems, load_of, rules_of, sample
from tests.stream.streaming import streaming

ROWS = filesystems(**{f"m{number}": 95 for number in range(4000)})
BUSY = '[[rule]]\nname = "busy"\nwarning = "load.avg1 > 10"\nfor = "0s"\n'


def rule(name: str, condition: str, each: str = "") -> str:
    """Return a rule that fires at once."""
    of = f'each = "{each}"\n' if each else ""
    return f'[[rule]]\nname = "{name}"\n{of}warning = "{condition}"\nfor = "0s"\n'


def large(second: int, **sections: object) -> Sample:
    """Return a sample of a host with 4000 filesystems and 256 cores."""
    known: dict[str, Any] = {"filesystems": ROWS, "cpu": cpu(*[50.0] * 256), "load": load_of(12)}
    return sample(second, **{**known, **sections})


@pytest.mark.parametrize(
    "condition",
    [
        "any(filesystems, any(filesystems, used_percent > 99))",
        "count(filesystems, all(cpu.cores, usage_percent > 1)) > 1",
        "any(filesystems, count(cpu.cores, usage_percent > 99) > 1)",
    ],
)
@pytest.mark.parametrize("each", ["", "filesystems"])
def test_lists_in_lists_are_not_evaluated_if_they_are_long(
    tmp_path: Path, condition: str, each: str
) -> None:
    """Other rules are, whether they come before or after."""
    rules = rules_of(rule("slow", condition, each) + BUSY, tmp_path)
    engine = Engine(rules, gap_seconds=5.0)
    for second in range(1, 4):
        engine.evaluate(large(second))
    assert engine.skipped == ["slow"]
    assert [alert.rule for alert in engine.firing()] == ["busy"]
    engine.evaluate(large(4, filesystems=ROWS[:10]))
    assert engine.skipped == []


def test_an_alert_of_a_rule_that_is_not_evaluated_stays(tmp_path: Path) -> None:
    """Its values are unknown. It resolves when the list is short enough again."""
    text = rule("full", "any(filesystems, any(filesystems, used_percent > 90))")
    engine = Engine(rules_of(text, tmp_path), gap_seconds=5.0)
    engine.evaluate(large(1, filesystems=ROWS[:1]))
    low = filesystems(**{f"m{number}": 5 for number in range(4000)})
    for second in range(2, 5):
        engine.evaluate(large(second, filesystems=low))
    (alert,) = engine.firing()
    assert not alert.is_known
    for second in range(5, 37):
        engine.evaluate(large(second, filesystems=low[:1]))
    assert engine.firing() == []


def test_an_alert_whose_text_takes_too_many_steps_is_not_counted_as_firing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the rule would reach the limit of alerts without an alert. It fires when its list is short enough."""
    monkeypatch.setattr(engine_module, "MAX_STEPS", MAX_STEPS // 40)
    text = BUSY + 'text = "{count(filesystems, used_percent > 90)} are full"\n'
    engine = Engine(rules_of(text, tmp_path), gap_seconds=5.0)
    for second in range(1, MAX_ALERTS + 2):
        engine.evaluate(large(second))
        assert (engine.skipped, engine.dropped, engine.firing()) == (["busy"], 0, [])
    engine.evaluate(large(MAX_ALERTS + 2, filesystems=ROWS[:2]))
    assert [alert.text for alert in engine.firing()] == ["2 are full"]


@pytest.mark.parametrize(
    "condition",
    [
        "used_percent > 10",
        "used_percent > 99",
        " or ".join(["used_percent > 99"] * 30),
        "rate(used_percent, '1h') > 90",
    ],
)
def test_many_rules_over_a_long_list_are_limited_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    """The steps of all rules, so that the time of a tick is limited: here with fewer steps, and rows in proportion."""
    monkeypatch.setattr(engine_module, "MAX_STEPS", MAX_STEPS // 40)
    text = "".join(rule(f"r{number}", condition, "filesystems") for number in range(60))
    engine = Engine(rules_of(text, tmp_path), gap_seconds=5.0)
    for second in range(1, 4):
        engine.evaluate(large(second, filesystems=ROWS[:120]))
    assert 0 < len(engine.skipped) < 60
    assert engine.skipped[-1] == "r59"
    assert len(engine.firing()) <= MAX_ALL_ALERTS


def test_all_alerts_together_are_limited(tmp_path: Path) -> None:
    """Those of all rules. When some end, others get room."""
    text = "".join(rule(f"r{number}", "used_percent > 90", "filesystems") for number in range(6))
    engine = Engine(rules_of(text, tmp_path), gap_seconds=5.0)
    engine.evaluate(large(1, filesystems=ROWS[:256]))
    assert len(engine.firing()) == MAX_ALL_ALERTS
    assert engine.dropped == 6 * 256 - MAX_ALL_ALERTS
    for second in range(2, 34):
        engine.evaluate(large(second, filesystems=ROWS[:100]))
    assert len(engine.firing()) == 600
    assert engine.dropped == 0


def test_what_is_pending_counts_neither_as_left_out_nor_against_the_limit(tmp_path: Path) -> None:
    """Not before its condition was true for long enough. Another rule fires meanwhile."""
    text = "".join(
        rule(f"r{number}", "used_percent > 90", "filesystems").replace("0s", "20s")
        for number in range(5)
    )
    engine = Engine(rules_of(text + BUSY, tmp_path), gap_seconds=5.0)
    for second in range(1, 22):
        engine.evaluate(large(second, filesystems=ROWS[:300]))
        if second < 21:
            assert ([alert.rule for alert in engine.firing()], engine.dropped) == (["busy"], 0)
    assert len(engine.firing()) == MAX_ALL_ALERTS
    assert engine.dropped == 5 * 300 + 1 - MAX_ALL_ALERTS


def test_rows_that_cannot_be_pending_are_counted_when_their_rule_fires(tmp_path: Path) -> None:
    """Not before, and again not before after a time in which all could be kept, or after a gap."""
    text = rule("full", "used_percent > 90", "filesystems").replace("0s", "4s")
    engine = Engine(rules_of(text, tmp_path), gap_seconds=5.0)
    counts = []
    for second in (*range(1, 8), *range(101, 108)):  # a gap in between
        rows = ROWS[:1024] if second in (2, 102) else ROWS[:2000]
        engine.evaluate(large(second, filesystems=rows))
        counts.append(engine.dropped)
    assert counts == 2 * [0, 0, 0, 0, 768, 768, 768 + 976]
    assert len(engine.firing()) == 256


def test_what_is_pending_takes_no_room_of_a_rule_without_alerts(tmp_path: Path) -> None:
    """It fires, however many alerts of other rules are pending. Those that cannot be pending are counted."""
    pending = "".join(
        rule(f"r{number}", "used_percent > 90", "filesystems").replace("0s", "1h")
        for number in range(5)
    )
    late = BUSY.replace("0s", "10s") + rule("last", "used_percent > 90", "filesystems")
    engine = Engine(rules_of(pending + late, tmp_path), gap_seconds=5.0)
    for second in range(1, 12):
        engine.evaluate(large(second, filesystems=ROWS[:1100]))
        assert engine.dropped == 1100 - RESERVED_ALERTS
    names = [alert.rule for alert in engine.firing()]
    assert (names[0], names[1:]) == ("busy", ["last"] * RESERVED_ALERTS)


def test_the_default_rules_are_evaluated_on_a_large_host(tmp_path: Path) -> None:
    """With thousands of filesystems, of which hundreds are full."""
    engine = Engine(rules_of("", tmp_path, defaults=True), gap_seconds=5.0)
    for second in range(1, 13):
        engine.evaluate(large(second))
    assert engine.skipped == []
    assert len(engine.firing()) >= 256


def test_rules_that_are_not_evaluated_are_logged_once_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With their names."""
    condition = "any(filesystems, any(filesystems, used_percent > 99))"
    rules = rules_of("".join(rule(f"r{number}", condition) for number in range(9)), tmp_path)
    monitor = Monitor(lambda: rules, longest_interval_seconds=1.0, saved=None)
    with streaming() as (_, _, feed), caplog.at_level(logging.ERROR):
        for second in range(1, 3):
            monitor.note(feed, large(second))
    names = ", ".join(f"r{number}" for number in range(8))
    reason = "Rules are not evaluated, because lists are too long for them"
    assert caplog.messages == [f"{reason}: {names}, ..."]


def test_windows_of_a_file_are_limited(tmp_path: Path) -> None:
    """Each keeps up to half a MiB."""
    text = "".join(
        rule(f"r{number}", f"average(used_percent, '{number + 1}m') > 1", "filesystems")
        for number in range(MAX_WINDOWS + 1)
    )
    with pytest.raises(RuleError, match=f"name: more than {MAX_WINDOWS} different"):
        rules_of(text, tmp_path)
    assert load("")
