"""Firing alerts on a disk: written by a thread, in one step, and read at the next start."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_stream import state_file
from telemetry_stream.alerts import saved as saved_module
from telemetry_stream.alerts.hosts import Identity
from telemetry_stream.alerts.saved import FILE, HOST_BYTES, Saved
from tests.alerts.test_alert import ALERT
from tests.conftest import eventually


@pytest.fixture(autouse=True)
def _slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of the test may be slow."""
    monkeypatch.setattr(state_file, "CLOSE_SECONDS", 10.0)


@contextmanager
def started(directory: Path) -> Iterator[Saved]:
    """A writer with its thread."""
    crashes: list[BaseException] = []
    saved = Saved(str(directory), on_crash=crashes.append)
    saved.start()
    try:
        yield saved
    finally:
        saved.close()
    assert crashes == []


def test_alerts_are_there_after_a_restart(tmp_path: Path) -> None:
    """With all but what their rules define. The directory is made; only its owner can read the file."""
    directory = tmp_path / "new" / "state"
    alerts = (
        ALERT,
        replace(ALERT, key=("sda", None, 3), severity="critical"),
        replace(ALERT, key=0),
    )
    with started(directory) as saved:
        saved.keep(alerts)
    assert Saved(str(directory), on_crash=print).load() == tuple(
        replace(alert, section=None, fields=()) for alert in alerts
    )
    assert stat.S_IMODE((directory / FILE).stat().st_mode) == 0o600
    assert os.listdir(directory) == [FILE]


def test_only_the_newest_state_is_written(tmp_path: Path) -> None:
    """A close writes it, and nothing is written without a change."""
    with started(tmp_path) as saved:
        assert not (tmp_path / FILE).exists()
        saved.keep([ALERT])
        assert eventually((tmp_path / FILE).exists)
        for _ in range(100):
            saved.keep([ALERT, ALERT])
        saved.keep([])
    assert json.loads((tmp_path / FILE).read_text()) == {"version": 1, "alerts": []}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "alerts": []}',
        '{"version": 1, "alerts": 3}',
        '{"version": 1, "alerts": [{}]}',
        '{"version": 1, "alerts": [{"rule": 3}]}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_an_invalid_file_is_ignored(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And logged."""
    (tmp_path / FILE).write_bytes(content.encode("latin-1"))
    assert Saved(str(tmp_path), on_crash=print).load() == ()
    assert "no alert is restored" in caplog.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("severity", "worst"),
        ("text", 3),
        ("key", [[1]]),
        ("key", {"a": 1}),
        ("since_unix", "x"),
        ("labels", {"a": 1}),
        ("values", 3),
    ],
)
def test_an_alert_of_a_wrong_form_is_refused(
    field: str, value: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The whole file: half of it could be worse than nothing."""
    entry = {**ALERT.report(), "key": ["/"], field: value}
    (tmp_path / FILE).write_text(json.dumps({"version": 1, "alerts": [entry]}))
    assert Saved(str(tmp_path), on_crash=print).load() == ()
    assert "no alert is restored" in caplog.text


def test_the_file_of_a_front_end_may_be_as_large_as_its_hosts_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all alerts that the engine allows. What could not be read again is not written."""
    monkeypatch.setattr(saved_module, "MAX_FILE_BYTES", HOST_BYTES)
    hosts = {f"site/host-{number}": Identity(32 * "0", "name", "site") for number in range(50)}
    alerts = [replace(ALERT, key=key, rule=f"r{rule}") for key in hosts for rule in range(4)]
    for max_hosts, expected in ((50, 200), (0, 0)):
        saved = Saved(str(tmp_path / str(max_hosts)), on_crash=print, max_hosts=max_hosts)
        saved.hosts = hosts
        saved.keep(alerts)
        saved._file._write_next()
        saved = Saved(str(tmp_path / str(max_hosts)), on_crash=print, max_hosts=max_hosts)
        assert (len(saved.load()), len(saved.hosts)) == (expected, expected // 4)


@pytest.mark.parametrize("hosts", [3, {"a": 3}, {"a": ["id"]}, {"a": ["id", 3, None]}])
def test_hosts_of_a_wrong_form_are_refused(
    hosts: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the whole file."""
    (tmp_path / FILE).write_text(json.dumps({"version": 1, "alerts": [], "hosts": hosts}))
    saved = Saved(str(tmp_path), on_crash=print)
    assert (saved.load(), saved.hosts) == ((), {})
    assert "no alert is restored" in caplog.text
