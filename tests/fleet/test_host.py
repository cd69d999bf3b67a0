"""The alerts of one host of a front end: its own and those that are found here, with invented remotes and a clock."""

from __future__ import annotations

from typing import Any

from telemetry_stream.alerts.fleet_monitor import FleetMonitor
from telemetry_stream.alerts.rules import load
from telemetry_stream.fleet.alerts import MAX_BYTES, Alerts, alerts_of
from telemetry_stream.fleet.host import ALERTS_BYTES_PER_SECOND
from telemetry_stream.fleet.remote import ForeignHostError
from telemetry_stream.prometheus.exposition import labels
from telemetry_stream.prometheus.own import alert_families
from telemetry_stream.stream.received import ReceivedError
from tests.fleet.fleeting import Fleeting, answer, answering, fleeting, report_alerts
from tests.fleet.reports import RecordingRemote
from tests.fleet.test_alerts import ALERT
from tests.stream.streaming import Viewer

OTHER = {**ALERT, "labels": {"mountpoint": "/srv"}}


def observed(here: Fleeting) -> FleetMonitor:
    """Let the fleet find alerts with the default rules."""
    rules = tuple(rule for rule in load("") if rule.is_of_hosts)
    monitor = FleetMonitor(lambda: rules, saved=None, max_hosts=10)
    here.fleet.observe(monitor)
    return monitor


def shown(here: Fleeting, host_id: str) -> list[tuple[str, bool]]:
    """Return the rules that fire for a host, and whether each is known."""
    found = here.fleet.alerts(host_id)["alerts"]
    return [(alert["rule"], alert["known"]) for alert in found]


def let_pass(here: Fleeting, seconds: int, *answers: RecordingRemote) -> None:
    """Let seconds pass, in which some hosts send their vitals."""
    for _ in range(seconds):
        here.clock.now += 1
        for remote in answers:
            answer(remote, int(here.clock.now))
        here.tick()


def test_a_lost_host_has_its_alert_beside_its_own() -> None:
    """In the report, the overview, the metrics and for its viewers. Its own stay, but are not known any more."""
    remote = answering("web1:8750", "id-1")
    with fleeting(remote) as here:
        observed(here)
        answer(remote)
        report_alerts(remote, ALERT)
        let_pass(here, 1, remote)
        with Viewer(here.fleet.feed("id-1")[0]) as viewer:
            assert [alert["rule"] for alert in viewer.message()["alerts"]] == ["full"]
            let_pass(here, 50)
            assert shown(here, "id-1") == [("host_lost", True), ("full", False)]
            messages = [viewer.message() for _ in range(2)]
            assert [alert["rule"] for alert in messages[1]["alerts"]] == ["host_lost", "full"]
            counts = here.hosts()["id-1"]["alerts"]
            assert (counts["critical"], counts["warning"]) == (1, 1)
            series = next(iter(alert_families(here.fleet.found_alerts(), 0))).rows
            (only,) = series
            expected = {
                "address": "web1:8750",
                "host": "id-1",
                "host_name": "name of id-1",
                "alertname": "host_lost",
                "severity": "critical",
                "alertstate": "firing",
            }
            assert only[0] == labels(expected)
            let_pass(here, 31, remote)
            assert shown(here, "id-1") == [("full", True)]
            states = [alert["state"] for alert in viewer.message()["alerts"]]
            assert states == ["firing", "firing"]  # it is heard again
            assert [alert["state"] for alert in viewer.message()["alerts"]] == [
                "firing",
                "resolved",
            ]
        assert here.fleet.found_alerts() == []


def test_a_broken_own_link_is_no_alert() -> None:
    """No host is lost then, however long."""
    remote = answering("a")
    with fleeting(remote) as here:
        observed(here)
        answer(remote)
        remote.link_state = "down"
        let_pass(here, 100)
        assert here.states() == {"a": "unreachable"}
        assert here.fleet.found_alerts() == []


def test_a_host_that_has_ended_is_no_alert() -> None:
    """It was stopped on purpose."""
    remote = answering("a")
    with fleeting(remote) as here:
        observed(here)
        answer(remote)
        here.tick()
        remote.report.ended("gone", "run-of-a")
        let_pass(here, 100)
        assert here.fleet.found_alerts() == []


def test_hosts_with_one_id_and_skewed_clocks_are_found() -> None:
    """For each of the two hosts; a skew that is too small to be shown is not one."""
    first, second = answering("a", "same", "run-1"), answering("b", "same", "run-2")
    with fleeting(first, second) as here:
        observed(here)
        let_pass(here, 12, first, second)
        found = {alert["labels"]["address"] for alert in here.fleet.found_alerts()}
        assert found == {"a", "b"}
        here.table.realtime = lambda: 1_764_000_000.0 - 7
        let_pass(here, 200)
    remote = answering("a")
    with fleeting(remote) as here:
        observed(here)
        here.table.realtime = lambda: 1_764_000_000.0 - 7
        let_pass(here, 62, remote)
        (alert,) = here.fleet.found_alerts()
        assert alert["text"] == "The clock of name of a differs by -7 s from that of the front end"


def test_an_alert_that_is_missing_in_a_message_is_resolved() -> None:
    """For viewers, whether the host reports it or not: messages of the same second count as one."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        report_alerts(remote, ALERT, OTHER)
        here.tick()
        with Viewer(here.fleet.feed("a")[0]) as viewer:
            assert len(viewer.message()["alerts"]) == 2
            report_alerts(remote, {**ALERT, "state": "resolved"}, OTHER)
            report_alerts(remote, {**OTHER, "text": "fuller"})
            here.tick()
            message = viewer.message()
            assert [(one["text"], one["state"]) for one in message["alerts"]] == [
                ("fuller", "firing"),
                ("/ is full", "resolved"),
            ]
            assert message["time_unix"] == 7
            here.tick(1.0)
            assert viewer.is_idle()


def test_a_host_that_floods_costs_one_message_a_second() -> None:
    """The newest counts; invalid ones and those of other hosts are counted."""
    remote = answering("a")
    parsed: list[str] = []

    def parse(text: str) -> Alerts:
        parsed.append(text)
        if text == "foreign":
            raise ForeignHostError("is of another host")
        if text == "garbage":
            raise ReceivedError("is garbage")
        return alerts_of(
            {"alerts": [{**ALERT, "text": f"{text.strip()} {n}" * 60} for n in range(256)]}
        )

    with fleeting(remote) as here:
        answer(remote)
        for number in range(1000):
            remote.report.alerts(str(number), parse)
        here.tick()
        assert parsed == ["999"]
        known = here.fleet.alerts("a")
        assert 0 < len(str(known["alerts"])) < 2 * MAX_BYTES
        assert len(known["alerts"]) + known["omitted_alerts"] == 256
        long = " " * 20 * ALERTS_BYTES_PER_SECOND
        for number in range(40):
            remote.report.alerts(f"{number}{long}", parse)
            here.tick(1.0)
        assert len(parsed) == 3
        here.tick(21.0)
        assert len(parsed) == 4
        known = here.fleet.alerts("a")
        here.clock.now += 21
        for text in ("foreign", "garbage"):
            remote.report.alerts(text, parse)
            here.tick(1.0)
        assert here.fleet.stats().dropped == {"invalid": 1, "foreign host": 1, "too many": 0}
        assert here.fleet.alerts("a") == known


def test_alerts_are_unknown_until_the_next_run_of_the_host_reports_its_own() -> None:
    """It may have saved them. A hello of the same run without alerts keeps them: those of a broker have none."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        report_alerts(remote, ALERT)
        answer(remote)
        here.tick()
        assert here.fleet.alerts("a")["alerts"] == [ALERT]
        remote.identity = remote.identity._replace(stream="run-2")  # type: ignore[attr-defined]
        answer(remote)
        assert here.fleet.alerts("a")["alerts"] == [{**ALERT, "known": False}]
        report_alerts(remote, OTHER)
        here.tick()
        assert here.fleet.alerts("a")["alerts"] == [OTHER]


def test_nothing_is_resolved_while_alerts_are_left_out() -> None:
    """One that is missing may be among those."""
    remote = answering("a")
    with fleeting(remote) as here:
        answer(remote)
        report_alerts(remote, ALERT)
        here.tick()
        with Viewer(here.fleet.feed("a")[0]) as viewer:
            viewer.message()
            message: dict[str, Any] = {"alerts": [OTHER], "omitted_alerts": 3}
            remote.report.alerts("", lambda _: alerts_of(message))
            here.tick()
            assert [one["state"] for one in viewer.message()["alerts"]] == ["firing"]
