"""When alerts fire, change and resolve. The times are those of the samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_stream.alerts.alert import Alert
from telemetry_stream.alerts.engine import MAX_ALERTS, Engine
from telemetry_stream.metrics.sample import LongList, Sample
from telemetry_stream.metrics.sources.filesystem import Filesystem
from tests.alerts.samples import (
    BOOT_UNIX,
    changes,
    filesystem,
    filesystems,
    load_of,
    rules_of,
    sample,
)

LOAD = """
[[rule]]
name = "busy"
warning = "load.avg1 > 10"
critical = "load.avg1 > 20"
margin = 2
text = "load {load.avg1}"
"""
DISKS = """
[[rule]]
name = "full"
each = "filesystems"
where = "not read_only"
warning = "used_percent > 90"
text = "{mountpoint} {used_percent}"
labels = { team = "storage" }
"""


def loads(values: Iterable[float | None], begin: int = 1) -> Iterator[Sample]:
    """Yield a sample for each second. None: the load is unknown."""
    for second, value in enumerate(values, begin):
        yield sample(second, load=load_of(value))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine that watches the load."""
    return Engine(rules_of(LOAD, tmp_path), gap_seconds=5.0)


def test_an_alert_fires_after_its_time_and_resolves_after_its_time(engine: Engine) -> None:
    """10 s above the limit, 30 s at or below the limit minus the margin."""
    found = changes(engine, loads([5] * 5 + [12] * 20 + [9] * 40 + [8] * 40))
    assert found == [
        "16 firing warning busy: load 12 tasks",
        "96 resolved warning busy: load 12 tasks",
    ]
    assert engine.firing() == []


def test_a_short_peak_does_nothing(engine: Engine) -> None:
    """A false value begins the time again, and so does a short return below the limit."""
    assert changes(engine, loads([12] * 9 + [5] + [12] * 9 + [5])) == []
    assert changes(engine, loads([12] * 15 + ([5] * 20 + [12]) * 5, begin=21)) == [
        "31 firing warning busy: load 12 tasks"
    ]


def test_severity_rises_and_falls(engine: Engine) -> None:
    """At once to critical if both are due, and back to warning while that is still true."""
    found = changes(engine, loads([12] * 15 + [25] * 15 + [15] * 40 + [1] * 40))
    assert found == [
        "11 firing warning busy: load 12 tasks",
        "26 firing critical busy: load 25 tasks",
        "61 firing warning busy: load 15 tasks",
        "101 resolved warning busy: load 15 tasks",
    ]
    assert changes(engine, loads([25] * 15, begin=111)) == [
        "121 firing critical busy: load 25 tasks"
    ]


def test_unknown_values_neither_fire_nor_resolve(engine: Engine) -> None:
    """Both times begin again after them."""
    assert changes(engine, loads([12] * 9 + [None] * 60 + [12] * 9 + [None])) == []
    assert changes(engine, loads([12] * 11, begin=80)) == ["90 firing warning busy: load 12 tasks"]
    assert changes(engine, loads([5] * 25 + [None] * 100 + [5] * 25, begin=91)) == []
    assert changes(engine, loads([5] * 10, begin=241)) == [
        "246 resolved warning busy: load 12 tasks"
    ]


def test_a_firing_alert_notes_that_its_value_is_unknown(engine: Engine) -> None:
    """Until the value returns. A missing section is unknown too."""
    changes(engine, loads([12] * 15))
    for second, load in ((16, None), (17, load_of(None))):
        assert engine.evaluate(sample(second, load=load)) == []
        assert [alert.is_known for alert in engine.firing()] == [False]
    assert engine.evaluate(sample(18, load=load_of(12))) == []
    assert engine.firing()[0].is_known


def test_a_gap_begins_the_times_again(engine: Engine) -> None:
    """Also a suspend, in which the uptime goes on."""
    assert changes(engine, [*loads([12] * 9), *loads([12] * 10, begin=30)]) == []
    assert changes(engine, loads([12] * 2, begin=40)) == ["40 firing warning busy: load 12 tasks"]
    assert changes(engine, [*loads([5] * 25, begin=42), *loads([5] * 30, begin=100)]) == []
    assert changes(engine, loads([5], begin=130)) == ["130 resolved warning busy: load 12 tasks"]


def test_the_wall_clock_does_not_matter(engine: Engine) -> None:
    """It is set back by an hour, and ahead by a day."""
    moved = [
        replace(one, time_unix=one.time_unix + shift)
        for one, shift in zip(loads([12] * 12), [0, -3600, 86_400] * 4, strict=True)
    ]
    fired_at = [i for i, one in enumerate(moved) if engine.evaluate(one)]
    assert fired_at == [10]
    assert engine.firing()[0].since_unix == moved[0].time_unix


def test_without_an_uptime_the_intervals_count(tmp_path: Path) -> None:
    """The first sample has no interval, and begins the time."""
    engine = Engine(rules_of(LOAD, tmp_path), gap_seconds=5.0)
    samples = [
        sample(second, uptime=False, interval=None if second == 1 else 2.0, load=load_of(12))
        for second in range(1, 10)
    ]
    assert changes(engine, samples) == ["6 firing warning busy: load 12 tasks"]


def test_since_is_when_the_condition_became_true(engine: Engine) -> None:
    """By the clock of the host; it stays when the severity changes."""
    changes(engine, loads([5] * 5 + [12] * 15 + [25] * 15))
    (alert,) = engine.firing()
    assert (alert.severity, alert.since_unix) == ("critical", BOOT_UNIX + 6)


def each(second: float, *rows: Filesystem) -> Sample:
    """Return a sample with these filesystems."""
    return sample(second, filesystems=rows)


def test_each_row_has_its_own_alert(tmp_path: Path) -> None:
    """With labels that tell it apart, and those of the rule."""
    engine = Engine(rules_of(DISKS, tmp_path), gap_seconds=5.0)
    rows = filesystems(a=95, b=50, c=99)
    found = changes(engine, (each(second, *rows) for second in range(1, 12)))
    assert found == ["11 firing warning full: /a 95 %", "11 firing warning full: /c 99 %"]
    assert engine.firing()[0].labels == {
        "team": "storage",
        "mountpoint": "/a",
        "device": "/dev/a",
        "fstype": "ext4",
    }


def test_a_row_that_is_gone_resolves(tmp_path: Path) -> None:
    """A filesystem that was unmounted, and one that does not count any more (``where``); not one that is unknown."""
    engine = Engine(rules_of(DISKS, tmp_path), gap_seconds=5.0)
    full = filesystem("/a", 95), filesystem("/b", 95), filesystem("/c", 95)
    changes(engine, (each(second, *full) for second in range(1, 12)))
    left = filesystem("/b", 95, read_only=True), filesystem("/c", None)
    found = changes(engine, (each(second, *left) for second in range(12, 60)))
    assert found == ["42 resolved warning full: /b 95 %", "42 resolved warning full: /a 95 %"]
    assert [alert.labels["mountpoint"] for alert in engine.firing()] == ["/c"]


def test_a_row_that_messages_do_not_have_is_evaluated(tmp_path: Path) -> None:
    """A filesystem that gave its place in the messages to a fuller one is still full."""
    engine = Engine(rules_of(DISKS, tmp_path), gap_seconds=5.0)

    def at(second: int) -> Sample:
        rows = filesystems(a=95, b=95, c=99)
        return sample(second, filesystems=LongList(rows, [rows[second % 2]]))

    found = changes(engine, map(at, range(1, 200)))
    assert found == [f"11 firing warning full: /{name} %" for name in ("a 95", "b 95", "c 99")]


def test_a_list_that_is_missing_is_unknown_unless_the_host_does_not_have_it(tmp_path: Path) -> None:
    """A source that failed resolves nothing; one that is absent has no rows."""
    engine = Engine(rules_of(DISKS, tmp_path), gap_seconds=5.0)
    changes(engine, (each(second, filesystem("/a", 95)) for second in range(1, 12)))
    failed = (sample(second, filesystems=None) for second in range(12, 100))
    assert changes(engine, failed) == []
    assert not engine.firing()[0].is_known
    absent = (sample(second, absent=["filesystems"]) for second in range(100, 140))
    assert changes(engine, absent) == ["130 resolved warning full: /a 95 %"]


def test_two_rows_that_cannot_be_distinguished_are_one(tmp_path: Path) -> None:
    """The first one counts."""
    engine = Engine(rules_of(DISKS, tmp_path), gap_seconds=5.0)
    rows = filesystem("/a", 95), filesystem("/a", 5)
    found = changes(engine, (each(second, *rows) for second in range(1, 60)))
    assert found == ["11 firing warning full: /a 95 %"]


def test_alerts_of_a_rule_are_limited(tmp_path: Path) -> None:
    """The others are counted."""
    engine = Engine(rules_of(DISKS, tmp_path), gap_seconds=5.0)
    rows = filesystems(**{f"m{number}": 95 for number in range(MAX_ALERTS + 5)})
    for second in range(1, 13):
        engine.evaluate(each(second, *rows))
    assert len(engine.firing()) == MAX_ALERTS
    assert engine.dropped == 5
    engine.evaluate(each(13, *rows[:3]))
    assert engine.dropped == 0


def test_windows_of_rows(tmp_path: Path) -> None:
    """A filesystem that fills up: the time until it is full, by the rate of the last minutes."""
    text = """
        [[rule]]
        name = "filling"
        each = "filesystems"
        warning = "available_bytes < 600 * rate(used_bytes, '1m')"
        text = "{mountpoint} full in {available_bytes / rate(used_bytes, '1m'):seconds}"
    """
    engine = Engine(rules_of(text, tmp_path), gap_seconds=5.0)

    def at(second: int) -> Sample:
        growing = filesystem(
            "/a", 50, used_bytes=100 * second, available_bytes=100_000 - 100 * second
        )
        steady = filesystem("/b", 50, used_bytes=1, available_bytes=10)
        return each(second, growing, steady)

    assert changes(engine, map(at, range(1, 500))) == [
        "411 firing warning filling: /a full in 9 min 49 s"
    ]


def test_restored_alerts_do_not_fire_again(tmp_path: Path) -> None:
    """Their ``since`` is kept, and they resolve like any other."""
    before = Engine(rules_of(DISKS + LOAD, tmp_path), gap_seconds=5.0)
    samples = [sample(s, filesystems=filesystems(a=95), load=load_of(12)) for s in range(1, 15)]
    changes(before, samples)
    engine = Engine(rules_of(DISKS + LOAD, tmp_path), gap_seconds=5.0, restored=before.firing())
    assert engine.firing() == before.firing()
    later = [sample(s, filesystems=filesystems(a=95), load=load_of(5)) for s in range(100, 140)]
    assert changes(engine, later) == ["130 resolved warning busy: load 12 tasks"]
    assert [alert.since_unix for alert in engine.firing()] == [BOOT_UNIX + 1]


def test_restored_alerts_without_a_rule_are_resolved_once(tmp_path: Path) -> None:
    """The rule is gone, or does not have the severity any more."""
    before = Engine(rules_of(LOAD, tmp_path), gap_seconds=5.0)
    changes(before, loads([12] * 15))
    without_warning = LOAD.replace("warning =", "info =")
    engine = Engine(rules_of(without_warning, tmp_path), gap_seconds=5.0, restored=before.firing())
    assert changes(engine, loads([12] * 3)) == ["1 resolved warning busy: load 12 tasks"]


@pytest.mark.parametrize("is_replaced", [True, False])
def test_alerts_of_a_rule_that_has_gained_or_lost_its_list_are_resolved(
    tmp_path: Path, is_replaced: bool
) -> None:
    """By a reload or a restart: no sample has their keys any more. The rule itself fires for what is true now."""
    of_rows = DISKS.replace("used_percent > 90", "load.avg1 > 10")
    of_host = "\n".join(
        line
        for line in LOAD.replace('"busy"', '"full"').splitlines()
        if not line.startswith(("critical", "margin"))
    )
    for first, second, resolved in (
        (of_rows, of_host, "/a 95 %"),
        (of_host, of_rows, "load 12 tasks"),
    ):
        engine = Engine(rules_of(first, tmp_path), gap_seconds=5.0)
        samples = [sample(s, filesystems=filesystems(a=95), load=load_of(12)) for s in range(1, 60)]
        changes(engine, samples[:12])
        if is_replaced:
            engine.replace(rules_of(second, tmp_path))
        else:
            engine = Engine(rules_of(second, tmp_path), gap_seconds=5.0, restored=engine.firing())
        assert changes(engine, samples[12:13]) == [f"13 resolved warning full: {resolved}"]
        changes(engine, samples[13:])
        assert [alert.key == () for alert in engine.firing()] == [second is of_host]


def test_replaced_rules_keep_their_state_if_they_have_not_changed(tmp_path: Path) -> None:
    """Times go on, and firing alerts stay; those of a removed rule are resolved; a changed one keeps its alerts."""
    engine = Engine(rules_of(LOAD + DISKS, tmp_path), gap_seconds=5.0)
    rows = filesystems(a=95)
    samples = [sample(s, filesystems=rows, load=load_of(12)) for s in range(1, 60)]
    assert changes(engine, samples[:6]) == []
    engine.replace(rules_of(DISKS + LOAD, tmp_path))
    assert changes(engine, samples[6:12]) == [
        "11 firing warning full: /a 95 %",
        "11 firing warning busy: load 12 tasks",
    ]
    changed = DISKS.replace("> 90", "> 80").replace("{mountpoint}", "now {mountpoint}")
    engine.replace(rules_of(changed, tmp_path))
    assert changes(engine, samples[12:]) == ["13 resolved warning busy: load 12 tasks"]
    assert [alert.text for alert in engine.firing()] == ["/a 95 %"]


def test_refresh_writes_the_texts_again(engine: Engine) -> None:
    """With the values of the sample. Without it, a text has those of the last change."""
    changes(engine, loads([12] * 15))
    engine.evaluate(sample(16, load=load_of(13)))
    assert engine.firing()[0].text == "load 12 tasks"
    engine.evaluate(sample(17, load=load_of(14)), refresh=True)
    assert engine.firing()[0].values == {"load.avg1": 14}


def test_a_text_stays_while_an_alert_waits_to_resolve(engine: Engine) -> None:
    """It would be untrue with the values of a sample that does not meet the condition. The margin still does."""
    changes(engine, loads([12] * 15))
    texts = []
    for second, load in ((16, 9), (17, 5), (18, None), (19, 5), (20, 11)):
        engine.evaluate(sample(second, load=load_of(load)), refresh=True)
        texts.append(engine.firing()[0].text)
    assert texts == [*["load 9 tasks"] * 4, "load 11 tasks"]


def test_a_condition_over_time_zero_fires_at_once(tmp_path: Path) -> None:
    """``for = "0s"`` and ``resolve_after = "0s"``."""
    text = LOAD + 'for = "0s"\nresolve_after = "0s"\n'
    engine = Engine(rules_of(text, tmp_path), gap_seconds=5.0)
    assert changes(engine, loads([5, 12, 5])) == [
        "2 firing warning busy: load 12 tasks",
        "3 resolved warning busy: load 12 tasks",
    ]


def test_an_alert_keeps_its_row_apart_from_its_labels(tmp_path: Path) -> None:
    """A label is cut; the key is not."""
    engine = Engine(rules_of(DISKS, tmp_path), gap_seconds=5.0)
    long = "x" * 200
    rows = filesystem(f"/{long}1", 95), filesystem(f"/{long}2", 95)
    changes(engine, (each(second, *rows) for second in range(1, 12)))
    found: list[Alert] = engine.firing()
    assert len({alert.key for alert in found}) == 2
    assert {len(alert.labels["mountpoint"]) for alert in found} == {128}
