"""The alerts that a front end finds: rules over invented hosts, second by second."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_stream.alerts.alert import Alert
from telemetry_stream.alerts.evaluator import Silenced
from telemetry_stream.alerts.fleet_monitor import RETURN_SECONDS, FleetMonitor
from telemetry_stream.alerts.hosts import WatchedHost
from telemetry_stream.alerts.rule import Rule
from telemetry_stream.alerts.rules import load
from telemetry_stream.alerts.saved import FLEET_FILE, MAX_FILE_BYTES, Saved
from telemetry_stream.assembly.alerts import fleet_monitor
from telemetry_stream.notify.channel import Capacity
from telemetry_stream.notify.choice import Choice, Pace
from telemetry_stream.notify.entry import Note
from telemetry_stream.notify.outbox import RESTORED_SECONDS, Outbox
from telemetry_stream.notify.silences import Matcher, Silences
from telemetry_stream.settings import Settings
from tests.alerts.samples import BOOT_UNIX
from tests.conftest import eventually

LIVE = WatchedHost("s/a", "id-a", "ada", None, "live", lost=False, duplicate=False, age_seconds=0)
LATE = replace(LIVE, state="late", lost=None, duplicate=None, age_seconds=5)
LOST = replace(LIVE, state="lost", lost=True, duplicate=None, age_seconds=20)
DOWN = replace(LIVE, state="unreachable", lost=None, duplicate=None, age_seconds=40)
GONE = replace(LIVE, state="gone", lost=False, duplicate=False, age_seconds=60)
TWICE = replace(LIVE, state="duplicate", lost=False, duplicate=True)


class Watching:
    """A monitor. ``see`` evaluates some hosts for some seconds."""

    def __init__(
        self,
        folder: Path,
        rules: str = "",
        *,
        begin: float = 100.0,
        silenced: Silenced | None = None,
    ) -> None:
        self.path = folder / "rules.toml"
        self.path.write_text(rules)
        self.now = begin
        self.noted: list[str] = []
        self.calls = 0
        self.outbox: Outbox | None = None  # of a receiver that gets the alerts
        self.saved = Saved(str(folder / "state"), on_crash=print, file=FLEET_FILE)
        self.monitor = FleetMonitor(
            self._load, saved=self.saved, max_hosts=300, note=self._note, silenced=silenced
        )
        self._known: dict[str, list[str]] = {}
        for alert in self.monitor._engine.firing():
            self._known.setdefault(str(alert.key), []).append(alert.rule)
        self.monitor.start()

    def _load(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in load(str(self.path)) if rule.is_of_hosts)

    def _note(
        self,
        address: str,
        host_id: str,
        name: str,
        firing: Sequence[Alert],
        resolved: Sequence[Alert],
    ) -> None:
        """Record what has changed, and not the repetitions."""
        self.calls += 1
        rules = [alert.rule for alert in firing], [alert.rule for alert in resolved]
        if resolved or self._known.get(address) != rules[0]:
            self._record(host_id, name, rules)
        self._known[address] = rules[0]
        if self.outbox is not None:
            fires, ended = (
                tuple(alert.report() for alert in found) for found in (firing, resolved)
            )
            self.outbox.note(Note(f"fleet {address}", host_id, name, fires, ended), self.now)

    def _record(self, host_id: str, name: str, rules: tuple[list[str], list[str]]) -> None:
        self.noted.append(f"{self.now:g} {host_id} {name} {rules[0]} {rules[1]}")

    def see(self, seconds: int, *hosts: WatchedHost) -> None:
        for _ in range(seconds):
            self.now += 1
            self.monitor.evaluate(hosts, self.now, BOOT_UNIX + self.now)

    def firing(self) -> list[str]:
        return [alert["rule"] for found in self.monitor.firing.values() for alert in found]


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """A monitor with the default rules."""
    found = Watching(tmp_path)
    yield found
    found.monitor.close()


def test_a_lost_host_fires_and_resolves(watching: Watching) -> None:
    """After 30 s, with its name and address; once per change."""
    watching.see(5, LIVE)
    watching.see(31, LOST)
    assert watching.noted == ["136 id-a ada ['host_lost'] []"]
    (alert,) = watching.monitor.firing["s/a"]
    assert alert["text"] == "ada has sent nothing for 20 s"
    assert (alert["labels"], alert["severity"]) == ({"address": "s/a"}, "critical")
    assert alert["since_unix"] == BOOT_UNIX + 106
    watching.see(31, LIVE)
    assert watching.noted[1:] == ["167 id-a ada [] ['host_lost']"]
    assert watching.firing() == []


def test_what_fires_is_reported_again_and_again(watching: Watching) -> None:
    """So that a lost report and a restart are no matter."""
    watching.see(31, LOST)
    assert watching.calls == 1
    watching.see(130, LOST)
    assert watching.calls == 3
    watching.see(31, LIVE)
    calls = watching.calls
    watching.see(200, LIVE)
    assert watching.calls == calls


@pytest.mark.parametrize(
    "matcher", [Matcher(host="ada"), Matcher(host="id-a"), Matcher(labels={"address": "s/a"})]
)
def test_a_silence_marks_the_alerts_of_a_host(tmp_path: Path, matcher: Matcher) -> None:
    """From the next second on, by id, name or label; no mark remains after it."""
    silences = Silences(lambda: None)
    found = Watching(tmp_path, silenced=silences)
    other = replace(LOST, address="s/b", id="id-b", name="bob")
    found.see(31, LOST, other)

    def marks() -> list[bool]:
        firing = found.monitor.firing
        return [firing[address][0].get("silenced", False) for address in ("s/a", "s/b")]

    assert marks() == [False, False]
    silence = silences.add(matcher, 60, by="", comment="")
    found.see(1, LOST, other)
    assert marks() == [True, False]
    silences.remove(silence.id)
    found.see(1, LOST, other)
    assert marks() == [False, False]
    found.monitor.close()


def test_a_silence_covers_a_host_that_has_never_answered(tmp_path: Path) -> None:
    """It has its address as id and name."""
    silences = Silences(lambda: None)
    silences.add(Matcher(host="s/a"), 60, by="", comment="")
    found = Watching(tmp_path, silenced=silences)
    found.see(31, replace(LOST, id=None, name=None))
    assert found.monitor.firing["s/a"][0]["silenced"] is True
    found.monitor.close()


def test_nothing_fires_while_the_own_link_is_down(watching: Watching) -> None:
    """A host is unreachable then. What fires stays, and its time to resolve begins anew."""
    watching.see(300, DOWN)
    assert watching.noted == []
    watching.see(31, LOST)
    watching.see(20, LIVE)
    watching.see(300, DOWN)
    assert watching.firing() == ["host_lost"]
    assert watching.monitor.firing["s/a"][0]["known"] is False
    watching.see(20, LIVE)
    assert len(watching.noted) == 1


def test_a_host_that_was_stopped_is_no_alert(watching: Watching) -> None:
    """Also if it was lost before: somebody has switched it off."""
    watching.see(300, GONE)
    assert watching.noted == []
    watching.see(31, LOST)
    watching.see(31, GONE)
    assert watching.firing() == []


def test_a_late_host_is_neither_lost_nor_back(watching: Watching) -> None:
    """Its state is not certain."""
    watching.see(29, LOST)
    watching.see(1, LATE)
    watching.see(30, LOST)
    assert watching.noted == []
    watching.see(1, LOST)
    watching.see(300, LATE)
    assert watching.firing() == ["host_lost"]


def test_duplicates_and_skewed_clocks_fire(watching: Watching) -> None:
    """A skew of less than two seconds does not, in both directions."""
    slow = replace(LIVE, skew_seconds=2.4)
    fast = replace(LIVE, address="s/b", id="id-b", name="bob", skew_seconds=-3600.0)
    fair = replace(LIVE, address="s/c", id="id-c", name="cy", skew_seconds=1.9)
    watching.see(61, slow, fast, fair)
    assert [one.split()[1] for one in watching.noted] == ["id-a", "id-b"]
    text = "The clock of bob differs by -1 h from that of the front end"
    assert watching.monitor.firing["s/b"][0]["text"] == text
    watching.see(11, TWICE, fast, fair)
    assert watching.noted[2:] == ["172 id-a ada ['host_duplicate', 'clock_skew'] []"]


def test_rules_of_hosts_are_changed_as_others_are(tmp_path: Path) -> None:
    """Disabled, with another time and severity, and by site."""
    rules = """
    disabled = ["clock_skew"]
    [[rule]]
    name = "host_lost"
    each = "hosts"
    where = "site == 'home'"
    info = "lost"
    for = "2s"
    labels = { team = "it" }
    """
    watching = Watching(tmp_path, rules)
    home = replace(LOST, address="home/b", id="id-b", site="home")
    watching.see(3, replace(LOST, site="lab"), home)
    assert [*watching.monitor.firing] == ["home/b"]
    (alert,) = watching.monitor.firing["home/b"]
    assert (alert["severity"], alert["labels"]["team"]) == ("info", "it")
    watching.see(100, replace(LIVE, skew_seconds=9.0), replace(home, lost=False))
    assert watching.firing() == []
    watching.monitor.close()


def test_a_reload_uses_the_new_rules(watching: Watching, caplog: pytest.LogCaptureFixture) -> None:
    """An invalid file changes nothing."""
    watching.see(31, LOST)
    watching.path.write_text("[[rule]]\n")
    watching.monitor.reload()
    assert "Reload failed, keeping the previous rules over hosts" in caplog.text
    watching.see(1, LOST)
    assert watching.firing() == ["host_lost"]
    watching.path.write_text("defaults = false\n")
    watching.monitor.reload()
    watching.see(1, LOST)
    assert watching.firing() == []


def test_alerts_survive_a_restart_of_the_front_end(tmp_path: Path) -> None:
    """Also while the host has not appeared again. It is reported neither twice nor as resolved."""
    first = Watching(tmp_path)
    first.see(31, LOST)
    first.monitor.close()
    again = Watching(tmp_path, begin=10_000.0)
    again.see(60)
    assert again.firing() == ["host_lost"]
    unknown = WatchedHost("s/a", "s/a", "s/a", None, "late", age_seconds=3)
    again.see(10, unknown)
    again.see(60, replace(LOST, id="s/a", name="s/a"))
    assert again.noted == []
    again.see(31, LIVE)
    assert again.noted == ["10161 id-a ada [] ['host_lost']"]
    again.monitor.close()


def test_a_restart_does_not_rename_a_host_that_is_silent(tmp_path: Path) -> None:
    """A receiver of its name goes on, a silence of its name counts, and rules for its site do."""
    rules = """
    [[rule]]
    name = "host_lost"
    each = "hosts"
    where = "site == 'home'"
    critical = "lost"
    text = "{name} is lost"
    """
    silences = Silences(lambda: None)
    choice, pace = Choice(hosts=("a*",)), Pace(wait_seconds=0)
    first = Watching(tmp_path, rules)
    first.outbox = Outbox(choice, pace, Capacity(), started_at=first.now)
    first.see(31, replace(LOST, site="home"))
    assert first.outbox.maybe_message(first.now, silences.cover) is not None
    first.outbox.note_sent(first.now)
    first.monitor.close()

    silences.add(Matcher(host="ada"), 60, by="", comment="")
    again = Watching(tmp_path, rules, begin=10_000.0, silenced=silences)
    again.outbox = Outbox(choice, pace, Capacity(), started_at=again.now)
    again.outbox.restore(first.outbox.saved(lambda at: at), lambda unix: unix)
    again.see(int(RESTORED_SECONDS) + 60, replace(LOST, id="s/a", name="s/a"))
    assert again.outbox.maybe_message(again.now, lambda _: False) is None
    (entry,) = again.outbox.saved(lambda at: at)
    assert (entry["is_firing"], entry["host_id"], entry["host_name"]) == (True, "id-a", "ada")
    (alert,) = again.monitor.firing["s/a"]
    assert (alert["text"], alert["silenced"]) == ("ada is lost", True)
    assert again.noted == []
    again.monitor.close()


def test_a_restored_alert_ends_if_its_host_does_not_return(tmp_path: Path) -> None:
    """It may not be watched any more."""
    first = Watching(tmp_path)
    first.see(31, LOST)
    first.monitor.close()
    again = Watching(tmp_path)
    again.see(int(RETURN_SECONDS) + 1, replace(LIVE, address="s/b"))
    assert again.firing() == ["host_lost"]
    again.see(32, replace(LIVE, address="s/b"))
    assert again.firing() == []
    assert again.noted == ["732 id-a ada [] ['host_lost']"]
    again.monitor.close()


def test_a_host_that_is_forgotten_ends_its_alert(watching: Watching) -> None:
    """As a filesystem that is unmounted does."""
    watching.see(31, LOST)
    watching.see(31)
    assert watching.noted[1:] == ["162 id-a ada [] ['host_lost']"]


def test_a_whole_site_may_be_lost(watching: Watching, caplog: pytest.LogCaptureFixture) -> None:
    """Each host has its alert; the log has a limit."""
    caplog.set_level(logging.INFO)
    hosts = [replace(LOST, address=f"s/{number}", id=f"id-{number}") for number in range(300)]
    watching.see(31, *hosts)
    assert len(watching.firing()) == len(watching.noted) == 300
    assert len(caplog.records) < 40


def test_an_error_costs_no_overview(watching: Watching, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once."""
    for _ in range(3):
        watching.monitor.evaluate(None, 1.0, 1.0)  # type: ignore[arg-type]
    assert caplog.text.count("The rules over hosts cannot be evaluated") == 1


@pytest.mark.parametrize(
    "rule",
    [
        'warning = "count(hosts, lost) > 3"',
        'each = "hosts"\nwarning = "lost and load.avg1 > 1"',
        'each = "filesystems"\nwarning = "any(hosts, lost)"',
    ],
)
def test_other_rules_cannot_use_hosts(tmp_path: Path, rule: str) -> None:
    """No sample has them, and no front end has a sample."""
    path = tmp_path / "rules.toml"
    path.write_text(f'[[rule]]\nname = "a"\n{rule}\n')
    with pytest.raises(Exception, match=r"rules\.toml:2: name: a uses hosts, so it "):
        load(str(path))


def test_the_alerts_of_all_hosts_survive_a_restart(tmp_path: Path) -> None:
    """However many may be watched: their file is larger than that of one host may be."""
    rules, state = tmp_path / "rules.toml", tmp_path / "state"
    text = f'text = "{"x" * 300}"'
    rules.write_text(
        "".join(
            f'[[rule]]\nname = "r{number}"\neach = "hosts"\ncritical = "lost"\nfor = "0s"\n{text}\n'
            for number in range(4)
        )
    )
    settings = Settings(max_hosts=2500, rules=str(rules), state_dir=str(state))
    lost = [replace(LOST, address=f"s/{number}", id=f"id-{number}") for number in range(2500)]
    monitor = fleet_monitor(settings, print, None)
    monitor.start()
    monitor.evaluate(lost, 1.0, BOOT_UNIX)
    monitor.close()
    assert eventually((state / FLEET_FILE).is_file)
    assert (state / FLEET_FILE).stat().st_size > MAX_FILE_BYTES
    monitor = fleet_monitor(settings, print, None)
    monitor.evaluate([], 1.0, BOOT_UNIX)
    assert {len(alerts) for alerts in monitor.firing.values()} == {4}
    assert len(monitor.firing) == 2500
