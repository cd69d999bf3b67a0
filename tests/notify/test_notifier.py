"""The notifier with real receivers: several at once, some of which hang, a reload, a restart and a stop."""

from __future__ import annotations

import json
import logging
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import state_file
from telemetry_stream.notify import delivery, notifier, schedule
from telemetry_stream.notify.channel import Capacity, DeliveryError
from telemetry_stream.notify.choice import Choice, Pace
from telemetry_stream.notify.config import NotifyError, Receiver
from telemetry_stream.notify.message import Message
from telemetry_stream.notify.notifier import Notifier
from telemetry_stream.notify.silences import Matcher
from telemetry_stream.notify.state import FILE
from telemetry_stream.notify.webhook import Login, Webhook
from tests.conftest import eventually
from tests.notify.alerts import alert
from tests.notify.servers import Answer, HttpReceiver, http_receiver

A, B = alert("a"), alert("b")


def receiver(server: HttpReceiver, name: str = "one", **pace: Any) -> Receiver:
    """Return a receiver that does not wait."""
    webhook = Webhook("json", server.url + "/", None, Login(), "", False, "", 0.0)
    return Receiver(name, "webhook", webhook, Choice(), Pace(**{"wait_seconds": 0, **pace}))


@contextmanager
def running(*receivers: Receiver, state_dir: str = "") -> Iterator[Notifier]:
    """A notifier at work."""
    crashes: list[BaseException] = []
    notifier = Notifier(lambda: receivers, state_dir=state_dir, on_crash=crashes.append)
    notifier.start()
    try:
        yield notifier
    finally:
        notifier.stop()
        notifier.close()
    assert crashes == []


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of the test may be slow."""
    monkeypatch.setattr(state_file, "CLOSE_SECONDS", 10.0)
    monkeypatch.setattr(notifier, "CLOSE_SECONDS", 10.0)


def note(notifier: Notifier, *firing: dict[str, Any], **more: Any) -> None:
    """Report the alerts of a host."""
    notifier.note("id-web1", "web1", firing, **more)


def got(server: HttpReceiver) -> list[tuple[str, str]]:
    """Return kind and rule of everything that a server got."""
    return [
        (one["kind"], one["rule"]) for request in server.requests for one in request.json["alerts"]
    ]


def test_each_receiver_gets_what_it_wants() -> None:
    """And the report has the counts."""
    with http_receiver() as first, http_receiver() as second:
        critical = replace(receiver(second, "two"), choice=Choice(severities=("critical",)))
        with running(receiver(first), critical) as notifier:
            note(notifier, A)
            assert eventually(lambda: got(first) == [("firing", "a")])
            note(notifier, alert("c", "critical"), resolved=(A,))
            assert eventually(lambda: got(second) == [("firing", "c")])
            assert eventually(lambda: len(got(first)) == 3)
            assert eventually(lambda: notifier.report()[1]["sent_total"] == 1)
            one = notifier.report()[1]
            assert (one["name"], one["state"], one["queued_alerts"]) == ("two", "ok", 0)
            assert one["target"] == "json at localhost"
            assert one["last_error"] is None


def test_a_receiver_that_hangs_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the producer, nor the stop."""
    with http_receiver() as stuck, http_receiver() as good:
        stuck.answer = stuck.hang
        with running(receiver(stuck), receiver(good, "two")) as notifier:
            note(notifier, A)
            assert eventually(lambda: got(stuck) and got(good))
            for _ in range(50):
                note(notifier, A, B)
                note(notifier, A)
            assert eventually(lambda: ("resolved", "b") in got(good))
            assert notifier.report()[0]["state"] == "unused"
        assert eventually(
            lambda: not [one for one in threading.enumerate() if "notify" in one.name]
        )


def test_an_attempt_that_takes_too_long_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it waits for. The next one is made."""
    monkeypatch.setattr(delivery, "ABORT_SECONDS", 0.1)
    monkeypatch.setattr(schedule, "FIRST_RETRY_SECONDS", 0.01)
    with http_receiver() as server:
        server.answer = server.hang
        with running(receiver(server)) as notifier:
            note(notifier, A)
            assert eventually(lambda: notifier.report()[0]["state"] == "failing")
            server.answer = lambda *_: Answer()
            assert eventually(lambda: notifier.report()[0]["state"] == "ok")
            assert notifier.report()[0]["failed_total"] >= 1
            assert notifier.report()[0]["last_error"] is None


class Stuck:
    """A channel and its sender, which cannot be aborted: it waits until ``release`` is set."""

    target = "json at localhost"
    capacity = Capacity()

    def __init__(self) -> None:
        self.release = threading.Event()

    def sender(self) -> Stuck:
        """Return the sender."""
        return self

    def begin(self) -> None:
        """Begin an attempt."""

    def send(self, _: Message) -> None:
        """Hang."""
        assert self.release.wait(20)

    def abort(self) -> None:
        """Do nothing, as a lookup that is in the C library does."""


def test_an_attempt_that_cannot_be_aborted_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted and logged once, also after a reload. When it ends well after all, the receiver works again."""
    monkeypatch.setattr(delivery, "ABORT_SECONDS", 0.1)
    caplog.set_level(logging.INFO)
    channel = Stuck()
    found = Receiver("one", "webhook", channel, Choice(), Pace(wait_seconds=0))
    receivers = [found]
    notifier = Notifier(lambda: tuple(receivers), state_dir="", on_crash=print)
    notifier.start()
    note(notifier, A)
    assert eventually(lambda: notifier.report()[0]["state"] == "failing")
    receivers[0] = replace(found, choice=Choice(rules=("a",)))
    notifier.reload()
    note(notifier, A, B)
    assert eventually(lambda: notifier._deliveries[0].receiver is receivers[0])
    (one,) = notifier.report()
    assert (one["state"], one["failed_total"]) == ("failing", 1)
    assert one["last_error"] == "no result in 0 s"
    assert one["failing_since_unix"] == one["last_error_unix"]
    assert "The receiver one (json at localhost) fails: no result in 0 s" in caplog.text
    channel.release.set()
    assert eventually(lambda: notifier.report()[0]["state"] == "ok")
    assert "The receiver one works again" in caplog.text
    assert notifier.report()[0]["failed_total"] == 1
    assert notifier.report()[0]["failing_since_unix"] is None
    notifier.close()


def test_failures_are_counted_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """At most once a minute for each receiver; its recovery is logged, too."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(schedule, "FIRST_RETRY_SECONDS", 0.01)
    with http_receiver() as server:
        server.answer = lambda *_: Answer(500)
        with running(receiver(server)) as notifier:
            note(notifier, A)
            assert eventually(lambda: notifier.report()[0]["failed_total"] >= 3)
            one = notifier.report()[0]
            assert (one["state"], one["queued_alerts"]) == ("failing", 1)
            assert one["last_error"] == "it answers with status 500"
            server.answer = lambda *_: Answer()
            assert eventually(lambda: notifier.report()[0]["state"] == "ok")
    assert caplog.text.count("The receiver one (json at localhost) fails: it answers with") == 1
    assert caplog.text.count("The receiver one works again") == 1


class Broken:
    """A channel whose sender has a mistake, whose error contains a secret."""

    target = "broken"
    capacity = Capacity()

    def sender(self) -> Broken:
        return self

    def begin(self) -> None:
        pass

    def send(self, message: Message) -> None:
        raise RuntimeError("hunter2")

    def abort(self) -> None:
        pass


class Partial(Broken):
    """A channel that reaches only some."""

    def send(self, message: Message) -> None:
        raise DeliveryError("not for all", is_delivered=True)


def test_a_message_that_some_have_got_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """But it is shown and logged."""
    with running(Receiver("one", "webhook", Partial(), Choice(), Pace(0))) as notifier:
        note(notifier, A)
        assert eventually(lambda: notifier.report()[0]["failed_total"] == 1)
        found = notifier.report()[0]
    assert (found["queued_alerts"], found["sent_total"], found["dropped_total"]) == (0, 1, 0)
    assert (found["state"], found["last_error"]) == ("failing", "not for all")
    assert "not for all; it is not repeated" in caplog.text


def test_a_mistake_in_a_sender_does_not_end_the_program(caplog: pytest.LogCaptureFixture) -> None:
    """It is a failure of the receiver, and its text is not shown: it may have a secret."""
    with running(Receiver("one", "webhook", Broken(), Choice(), Pace(0))) as notifier:
        note(notifier, A)
        assert eventually(lambda: notifier.report()[0]["failed_total"] == 1)
        assert notifier.report()[0]["last_error"] == "internal error: RuntimeError"
    assert "hunter2" not in caplog.text


@pytest.mark.usefixtures("slow_disk")
def test_a_restart_repeats_nothing_and_misses_nothing(tmp_path: Path) -> None:
    """With a state directory. Silences are kept, too."""
    with http_receiver() as server:
        with running(receiver(server), state_dir=str(tmp_path / "state")) as notifier:
            note(notifier, A)
            assert eventually(lambda: got(server) == [("firing", "a")])
            silence = notifier.silences.add(Matcher(rule="x"), 60, by="", comment="")
            assert eventually(lambda: notifier.report()[0]["sent_total"] == 1)
        path = tmp_path / "state" / FILE
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with running(receiver(server), state_dir=str(tmp_path / "state")) as notifier:
            assert notifier.silences.current() == (silence,)
            note(notifier, A)
            note(notifier, A, B)
            assert eventually(lambda: got(server)[1:] == [("firing", "b")])
            note(notifier, B, resolved=(A,))
            assert eventually(lambda: got(server)[2:] == [("resolved", "a")])


def test_without_a_state_directory_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anywhere."""
    monkeypatch.chdir(tmp_path)
    with http_receiver() as server, running(receiver(server)) as notifier:
        note(notifier, A)
        assert eventually(lambda: got(server))
    assert list(tmp_path.iterdir()) == []


def test_a_silence_notifies_nobody_until_its_end() -> None:
    """Then what still fires is sent."""
    with http_receiver() as server, running(receiver(server)) as notifier:
        silence = notifier.silences.add(Matcher(rule="a"), 60, by="", comment="")
        note(notifier, A, B)
        assert eventually(lambda: got(server) == [("firing", "b")])
        notifier.silences.remove(silence.id)
        assert eventually(lambda: got(server)[1:] == [("firing", "a")])


def test_a_reload(caplog: pytest.LogCaptureFixture) -> None:
    """A receiver that is new is used, one that is gone is not, and nothing is sent twice."""
    with http_receiver() as first, http_receiver() as second:
        receivers = [receiver(first), receiver(second, "two")]
        notifier = Notifier(lambda: tuple(receivers), state_dir="", on_crash=print)
        notifier.start()
        try:
            note(notifier, A)
            assert eventually(lambda: got(first) and got(second))
            receivers[:] = [receiver(first, per_hour=100), receiver(second, "three")]
            notifier.reload()
            assert eventually(lambda: notifier.report()[1]["name"] == "three")
            note(notifier, A, B)
            assert eventually(lambda: got(first)[1:] == [("firing", "b")])
            assert eventually(lambda: len(got(second)) == 3)  # the new one gets both

            def fail() -> tuple[Receiver, ...]:
                raise NotifyError("x.toml", 3, "bad")

            notifier._load = fail
            notifier.reload()
            assert "keeping the previous receivers: x.toml:3: bad" in caplog.text
            note(notifier, A)
            assert eventually(lambda: got(first)[2:] == [("resolved", "b")])
        finally:
            notifier.close()


def test_the_queue_of_producers_is_bounded() -> None:
    """Beyond a size, the oldest is dropped and counted. A producer never waits."""
    notifier = Notifier(lambda: (), state_dir="", on_crash=print)
    for number in range(20):
        for _ in range(3):
            note(notifier, {**A, "text": "x" * 1_000_000}, scope=f"host {number}")
    assert notifier.dropped_notes == 16
    notifier.close()


def test_no_end_is_lost_if_many_hosts_report_at_once() -> None:
    """Before the thread takes anything."""
    receiver = Receiver("one", "webhook", Broken(), Choice(), Pace(3600))
    notifier = Notifier(lambda: (receiver,), state_dir="", on_crash=print)
    for number in range(1500):
        note(notifier, A, scope=f"host {number}")
        note(notifier, B, scope=f"host {number}", resolved=(A,))
    notifier._step()
    assert notifier.dropped_notes == 0
    # 1000 alerts are the limit of a receiver.
    found = [one["is_firing"] for one in notifier._deliveries[0].outbox.saved(float)]
    assert (found.count(True), found.count(False)) == (500, 500)
    for number in range(1500):
        note(notifier, scope=f"host {number}", resolved=(B,))
        note(notifier, scope=f"host {number}", omitted=1)
    notifier._step()
    assert notifier.dropped_notes == 0
    assert not any(one["is_firing"] for one in notifier._deliveries[0].outbox.saved(float))
    notifier.close()


@pytest.mark.usefixtures("slow_disk")
def test_nothing_is_begun_after_a_stop(tmp_path: Path) -> None:
    """What is in progress may end; the rest is saved for the next run."""
    with http_receiver() as server:
        release = threading.Event()

        def wait(*_: object) -> Answer:
            release.wait(10)
            return Answer()

        server.answer = wait
        with running(receiver(server), state_dir=str(tmp_path)) as notifier:
            note(notifier, A)
            assert eventually(lambda: got(server))
            notifier.stop()
            note(notifier, A, B)
            release.set()
            assert eventually(lambda: notifier.report()[0]["sent_total"] == 1)
        assert got(server) == [("firing", "a")]
        saved = json.loads((tmp_path / FILE).read_text())["receivers"]["one"]
        assert [(one["alert"]["rule"], one["sent"]) for one in saved] == [
            ("a", "warning"),
            ("b", None),
        ]


def test_a_failure_is_one_sentence() -> None:
    """With what the receiver wants."""
    error = DeliveryError("x", retry_seconds=3)
    assert (str(error), error.is_final, error.retry_seconds) == ("x", False, 3)
