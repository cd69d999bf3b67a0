"""Alerts of a running program: from a file of rules to viewers, requests, a reload and the next run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import App, Settings, StartError, state_file
from tests.apps import FAST
from tests.conftest import eventually
from tests.viewers import get, websockets_viewer

# True on every host.
UP = """
defaults = false
[[rule]]
name = "up"
info = "system.uptime_seconds > 1"
for = "0s"
resolve_after = "0s"
text = "up for {system.uptime_seconds}"
"""


def with_rules(folder: Path, text: str = UP, **settings: Any) -> Settings:
    """Return settings with a file of rules."""
    (folder / "rules.toml").write_text(text)
    return replace(FAST, rules=str(folder / "rules.toml"), **settings)


def firing(app: App) -> list[dict[str, Any]]:
    """Return what ``/api/v1/alerts`` has."""
    status, report = get(app.url, "/api/v1/alerts")
    assert status == 200
    found: list[dict[str, Any]] = report["alerts"] or []
    return found


def test_a_rule_fires_and_a_reload_resolves_it(tmp_path: Path) -> None:
    """A viewer gets both messages."""
    with App(with_rules(tmp_path)) as app:
        assert eventually(lambda: [alert["rule"] for alert in firing(app)] == ["up"])
        with websockets_viewer(app.url, "every=1000") as viewer:
            assert viewer.read()["alerts"][0]["text"].startswith("up for ")
            assert viewer.read()["type"] == "sample"
            (tmp_path / "rules.toml").write_text("defaults = false\n")
            app.reload()
            message = viewer.read_any()
            assert message["type"] == "alerts"
            assert [alert["state"] for alert in message["alerts"]] == ["resolved"]
        assert firing(app) == []


def test_a_part_that_cannot_be_reloaded_prevents_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its failure is in the log."""

    def fail() -> None:
        raise RecursionError

    with App(with_rules(tmp_path)) as app:
        assert eventually(lambda: firing(app))
        monkeypatch.setattr(app._guard, "reload", fail)
        (tmp_path / "rules.toml").write_text("defaults = false\n")
        app.reload()
        assert eventually(lambda: not firing(app))
    assert caplog.text.count("A part of the reload failed") == 1


def test_a_rule_that_is_not_valid_ends_the_start(tmp_path: Path) -> None:
    """With file, line and reason. A later reload keeps the previous rules."""
    settings = with_rules(tmp_path, '[[rule]]\nname = "a"\nwarning = "load.avg > 1"\n')
    with pytest.raises(StartError, match=r"rules\.toml:3: rule 'a': warning: load has no field"):
        App(settings)
    with App(with_rules(tmp_path)) as app:
        assert eventually(lambda: firing(app))
        (tmp_path / "rules.toml").write_text("[[rule]]\n")
        app.reload()
        seq = app.stream.feed().seq
        assert app.stream.feed().wait_newer(seq + 1, (), 10)
        assert len(firing(app)) == 1


def test_alerts_survive_a_restart_with_a_state_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Since is kept. Without the directory nothing is written."""
    monkeypatch.setattr(state_file, "CLOSE_SECONDS", 10.0)  # the disk of the test may be slow
    state = tmp_path / "state"
    settings = with_rules(tmp_path, state_dir=str(state))
    with App(settings) as app:
        assert eventually(lambda: firing(app))
        (before,) = firing(app)
    assert [path.name for path in state.iterdir()] == ["alerts.json"]
    with App(settings) as app, websockets_viewer(app.url) as viewer:
        viewer.read()
        assert eventually(lambda: firing(app))
        assert firing(app)[0]["since_unix"] == before["since_unix"]
    with App(with_rules(tmp_path)) as app:
        assert eventually(lambda: firing(app))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rules.toml", "state"]


def test_a_rule_over_an_on_demand_section_has_it_collected(tmp_path: Path) -> None:
    """Although no viewer names it, and viewers do not get it."""
    text = UP.replace("system.uptime_seconds > 1", "processes.total > 0")
    with App(with_rules(tmp_path, text)) as app:
        assert eventually(lambda: firing(app))
        with websockets_viewer(app.url) as viewer:
            viewer.read()
            assert "processes" not in viewer.read()


def test_a_program_that_samples_nothing_has_no_alerts() -> None:
    """A front end without a host of its own."""
    app = App(replace(FAST, watch="https://web1:8750", no_collect=True))
    assert app._alert_parts == []
    app.close()
