"""A remote over real servers: vitals always, full samples on demand, and gaps filled by a new connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from ports import bound_socket

from telemetry_stream import App
from telemetry_stream.fleet.direct import DirectRemote
from telemetry_stream.fleet.link import DirectLink
from telemetry_stream.fleet.remote import Want
from telemetry_stream.fleet.watchlist import parse
from telemetry_stream.stream import HistoryLimits
from telemetry_stream.stream.received import ReceivedSample
from tests.apps import FAST
from tests.fleet.proxy import Proxy
from tests.fleet.reports import RecordingReport
from tests.viewers import address_of, assert_consecutive, clients

HOST = replace(FAST, host_id="web-1", site="east", tags="db,eu")


@contextmanager
def watching(url: str, report: RecordingReport, token: str | None = None) -> Iterator[DirectRemote]:
    """A started remote of this URL."""
    target = parse(url, token, "watch", allow_plain=False)
    remote = DirectRemote(1, target, DirectLink(), HistoryLimits(600.0))
    remote.start(report)
    try:
        yield remote
    finally:
        remote.close()


def test_vitals_come_all_the_time() -> None:
    """After the hello, one for each sample."""
    report = RecordingReport()
    with App(HOST) as app, watching(app.url, report):
        report.wait(lambda: len(report.all_vitals) >= 4)
        (identity,) = report.identities
        assert (identity.host.id, identity.site, identity.tags) == ("web-1", "east", ("db", "eu"))
        assert {vitals.stream for vitals in report.all_vitals} == {identity.stream}
        seqs = [vitals.seq for vitals in report.all_vitals[:4]]
        assert seqs == list(range(seqs[0], seqs[0] + 4))
        assert (report.answers, report.failures, report.drops) == ([], [], [])


def test_full_samples_come_while_the_host_is_watched() -> None:
    """They begin with the history. Afterwards one connection is left."""
    report = RecordingReport()
    with App(HOST) as app, watching(app.url, report) as remote:
        report.wait(lambda: len(report.all_vitals) >= 3)
        remote.watch(Want())
        report.wait(lambda: len(report.answers) >= 4)
        history, is_complete = report.answers[0]
        assert is_complete
        assert history[0] == 1
        assert not any(complete for _, complete in report.answers[1:])
        assert_consecutive(list(report.seqs))
        assert report.seqs[0] == 1
        assert "cpu" in report.section_names[0]
        remote.unwatch()
        report.wait(lambda: len(clients(app.url)) == 1)


def test_on_demand_sections_are_named_as_soon_as_the_others_are_known() -> None:
    """The host might not have a section that we would name otherwise. No sample is lost or repeated."""
    report = RecordingReport()
    with App(HOST) as app, watching(app.url, report) as remote:
        remote.watch(Want(frozenset({"processes"})))
        report.wait(lambda: any("processes" in names for names in report.section_names))
        assert_consecutive(list(report.seqs))
        assert {"cpu", "processes"} <= set(report.section_names[-1])


@pytest.mark.parametrize("break_connection", [Proxy.cut, None])
def test_a_gap_is_filled(
    break_connection: Callable[[Proxy], None] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a lost connection without a request, and by a request from the number that it names."""
    report = RecordingReport()

    def samples(found: Sequence[ReceivedSample], *, is_complete: bool) -> None:
        """Request what is missing while a sample is taken, as the mirror does."""
        RecordingReport.samples(report, found, is_complete=is_complete)
        if break_connection is None and len(report.answers) == 3:
            remote.watch(Want(since=1, stream=report.identities[0].stream))

    monkeypatch.setattr(report, "samples", samples)
    with (
        App(HOST) as app,
        Proxy(address_of(app.url)) as proxy,
        watching(proxy.url, report) as remote,
    ):
        report.wait(lambda: report.identities)
        remote.watch(Want())
        report.wait(lambda: len(report.answers) >= 3)
        if break_connection is not None:
            break_connection(proxy)
        report.wait(lambda: [complete for _, complete in report.answers].count(True) == 2)
        report.wait(lambda: not report.answers[-1][1])
        if break_connection is not None:
            assert_consecutive(list(report.seqs))
            assert report.seqs[0] == 1
        else:
            second = [seqs for seqs, complete in report.answers if complete][1]
            assert second[0] == 2


def test_a_program_that_stops_is_gone() -> None:
    """With the id of its run. It is tried again: after a restart it answers with another one."""
    report = RecordingReport()
    with (
        bound_socket() as held,  # it does not listen; each app binds beside it
        watching("http://127.0.0.1:{1}".format(*held.getsockname()), report) as remote,
    ):
        settings = replace(HOST, port=held.getsockname()[1])
        report.wait(lambda: report.failures)
        assert report.failures[0] == ("Connection refused", False)
        now = time.monotonic()
        report.wait(lambda: remote.link(now) == "up")  # a refusal is an answer
        with App(settings):
            report.wait(lambda: report.identities)
        report.wait(lambda: report.ends)
        with App(settings):
            report.wait(lambda: len(report.identities) == 2)
        report.wait(lambda: len(report.ends) == 2)
    runs = [identity.stream for identity in report.identities]
    assert report.ends == [("gone", run) for run in runs]
    assert runs[0] != runs[1]


def test_a_stalled_host_is_unknown_and_a_missing_network_is_down() -> None:
    """Either the host or our network is the reason, unless the kernel reports which."""
    report = RecordingReport()
    with (
        App(HOST) as app,
        Proxy(address_of(app.url)) as proxy,
        watching(proxy.url, report) as remote,
    ):
        report.wait(lambda: report.all_vitals)
        now = time.monotonic()
        report.wait(lambda: remote.link(now) == "up")
        assert remote.link(1e9) == "unknown"
    with watching("http://255.255.255.255:9", report) as remote:
        report.wait(lambda: report.failures)
        assert remote.link(0.0) == "down"
        link = remote._link
        link.note_answer(1.0)  # by another host
        assert remote.link(0.0) == "down"
        assert remote.link(1e9) == "unknown"
    assert report.failures[-1][1] is False


def test_a_host_that_must_not_be_read_is_left_alone() -> None:
    """Because it is watched already. Its connection is closed."""
    report = RecordingReport(may_read=False)
    with App(HOST) as app, watching(app.url, report):
        report.wait(lambda: report.identities)
        report.wait(lambda: clients(app.url) == [])
        assert report.all_vitals == []


def test_a_host_that_was_not_read_is_identified_again_at_once() -> None:
    """If that is requested: its other address does not answer any more."""
    report = RecordingReport(may_read=False)
    with App(HOST) as app, watching(app.url, report) as remote:
        report.wait(lambda: report.identities)
        report.may_read = True
        remote.identify_again()
        report.wait(lambda: report.all_vitals)
        assert len(report.identities) == 2


def test_the_token_is_sent_as_a_header() -> None:
    """A wrong one is a reason that does not change by itself."""
    token = "0123456789abcdef-secret"
    with App(replace(HOST, token=token)) as app:
        report = RecordingReport()
        with watching(app.url, report, token):
            report.wait(lambda: report.all_vitals)
        report = RecordingReport()
        with watching(app.url, report, token[::-1]):
            report.wait(lambda: report.failures)
        ((reason, is_incompatible),) = report.failures
        assert is_incompatible
        assert "refuses the token (401)" in reason
        assert token not in reason


def test_a_host_with_tls_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Full samples come too. Without its authority, the reason is the certificate, and no token is sent."""
    certificate = str(Path(__file__).parent.parent / "fixtures/tls/localhost.pem")
    settings = replace(HOST, tls_cert=certificate, tls_key=certificate)
    with App(settings) as app:
        report = RecordingReport()
        with watching(app.url, report):
            report.wait(lambda: report.failures)
        ((reason, is_incompatible),) = report.failures
        assert is_incompatible
        assert reason.startswith("The certificate is not valid: ")
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        report = RecordingReport()
        with watching(app.url, report) as remote:
            remote.watch(Want())
            report.wait(lambda: len(report.answers) >= 3 and report.all_vitals)
            assert_consecutive(list(report.seqs))
            assert report.seqs[0] == 1
