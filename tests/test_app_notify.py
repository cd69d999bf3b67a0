"""Notifications of a running program: from a sample to a receiver, silences over the API, reloads, stops and kills."""

from __future__ import annotations

import http.client
import json
import logging
import os
import shutil
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import App, Settings, StartError
from telemetry_stream.alerts.rules_command import UsageError
from telemetry_stream.cli import main
from telemetry_stream.notify import silence_command
from telemetry_stream.notify.message import Event, key_of
from telemetry_stream.notify.silence_command import Place
from tests.apps import FAST
from tests.conftest import eventually
from tests.notify.servers import CERTIFICATE, Answer, HttpReceiver, Request, http_receiver
from tests.system.program import HOSTS, Program
from tests.viewers import address_of, get

RULE = """
[[rule]]
name = "{name}"
warning = "load.avg1 > {level}"
for = "0s"
resolve_after = "0s"
text = "the load is {{load.avg1}}"
"""


def with_receiver(folder: Path, url: str, *levels: int, **settings: Any) -> Settings:
    """Return settings with rules about the load of an invented host, and one receiver."""
    proc = folder / "proc"
    if not proc.exists():
        shutil.copytree(HOSTS / "vm/t0/proc", proc, symlinks=True)
        set_load(folder, 0)
    rules = "".join(RULE.format(name=f"load_{level}", level=level) for level in levels or (5,))
    (folder / "rules.toml").write_text(f"defaults = false\n{rules}")
    write_receiver(folder, url)
    return replace(
        FAST,
        rules=str(folder / "rules.toml"),
        notify=str(folder / "notify.toml"),
        proc_root=str(proc),
        **settings,
    )


def write_receiver(folder: Path, url: str) -> None:
    """Write the file of receivers."""
    (folder / "notify.toml").write_text(
        f'[[receiver]]\nname = "one"\ntype = "webhook"\nurl = "{url}/in"\nwait = "0s"\n'
        "per_hour = 3600\n"
    )


def set_load(folder: Path, load: int) -> None:
    """Change the load of the invented host, from 0 to 9. The program keeps the file open."""
    descriptor = os.open(folder / "proc/loadavg", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, b"%d.00 1.00 1.00 1/100 1000\n" % load, 0)
    finally:
        os.close(descriptor)


def events(server: HttpReceiver) -> list[tuple[str, str]]:
    """Return kind and rule of everything that a server got."""
    return [
        (one["kind"], one["rule"]) for request in server.requests for one in request.json["alerts"]
    ]


def ask(url: str, method: str, path: str, **headers: str) -> tuple[int, Any]:
    """Send a request with a method; return status and JSON."""
    with closing(http.client.HTTPConnection(*address_of(url), timeout=10)) as connection:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_an_alert_reaches_its_receiver(tmp_path: Path) -> None:
    """And its end. The API and the metrics have the counts."""
    with http_receiver() as server, App(with_receiver(tmp_path, server.url)) as app:
        set_load(tmp_path, 9)
        assert eventually(lambda: events(server) == [("firing", "load_5")])
        alert = server.requests[0].json["alerts"][0]
        assert alert["text"] == "the load is 9 tasks"
        assert alert["host"]["id"] == app.stream.feed().host.id
        set_load(tmp_path, 1)
        assert eventually(lambda: events(server)[1:] == [("resolved", "load_5")])
        assert eventually(
            lambda: get(app.url, "/api/v1/notifications")[1]["receivers"][0]["sent_total"] == 2
        )
        with closing(http.client.HTTPConnection(*address_of(app.url))) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        assert 'telemetry_stream_notify_sent_total{receiver="one"} 2' in text
        assert 'telemetry_stream_notify_failing{receiver="one"} 0' in text


def test_without_receivers_there_is_nothing(tmp_path: Path) -> None:
    """No thread, no route."""
    with App(FAST) as app:
        assert app._notifier is None
        assert get(app.url, "/api/v1/silences")[0] == 404


def test_a_file_that_is_not_valid_ends_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one line and status 2. A later reload keeps the previous receivers."""
    with http_receiver() as server:
        settings = with_receiver(tmp_path, "hunter2")
        with pytest.raises(StartError, match=r"notify\.toml:4: receiver 'one': url: must be a URL"):
            App(settings)
        assert main(["--port", "0", "--notify", settings.notify]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        write_receiver(tmp_path, server.url)
        with App(settings) as app:
            (tmp_path / "notify.toml").write_text("[[receiver]]\n")
            app.reload()
            assert "keeping the previous receivers" in caplog.text
            set_load(tmp_path, 9)
            assert eventually(lambda: events(server) == [("firing", "load_5")])


def test_a_receiver_that_hangs_affects_nothing_else(tmp_path: Path) -> None:
    """Samples are taken, and the program stops. No answer, and no one who listens."""
    with http_receiver() as server:
        server.answer = server.hang
        with App(with_receiver(tmp_path, server.url)) as app:
            set_load(tmp_path, 9)
            assert eventually(lambda: server.requests)
            feed = app.stream.feed()
            assert feed.wait_newer(feed.seq + 3, (), 10)
            begun = time.monotonic()
        assert time.monotonic() - begun < 4, "two are promised; the rest is for a busy machine"


@pytest.fixture
def silenced(tmp_path: Path) -> Iterator[tuple[App, HttpReceiver, Path]]:
    """A program that requires no token, on loopback."""
    with http_receiver() as server, App(with_receiver(tmp_path, server.url)) as app:
        yield app, server, tmp_path


def test_silences_over_the_api(
    silenced: tuple[App, HttpReceiver, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Added, listed and removed, each with a line in the log. What is silenced notifies nobody."""
    app, server, folder = silenced
    caplog.set_level(logging.INFO)
    status, added = ask(app.url, "POST", "/api/v1/silences?rule=load_*&seconds=60&comment=a%20b")
    assert status == 200
    assert (added["rule"], added["comment"], added["labels"]) == ("load_*", "a b", {})
    assert get(app.url, "/api/v1/silences") == (200, {"silences": [added]})
    set_load(folder, 9)
    assert eventually(lambda: get(app.url, "/api/v1/alerts")[1]["alerts"])
    assert get(app.url, "/api/v1/alerts")[1]["alerts"][0]["silenced"] is True
    assert server.requests == []
    status, removed = ask(app.url, "DELETE", f"/api/v1/silences?id={added['id']}")
    assert (status, removed) == (200, {"removed": added["id"]})
    assert eventually(lambda: events(server) == [("firing", "load_5")])
    assert eventually(lambda: "silenced" not in get(app.url, "/api/v1/alerts")[1]["alerts"][0])
    assert "Silence by no token from 127.0.0.1 added: " in caplog.text
    assert f"Silence by no token from 127.0.0.1 removed: {added['id']}" in caplog.text


@pytest.mark.parametrize(
    ("method", "query", "status", "reason"),
    [
        ("POST", "rule=a", 400, "it must last from 1 to"),
        ("POST", "seconds=60", 400, "name a rule"),
        ("POST", "seconds=0&rule=a", 400, "seconds = '0': must be a whole number from 1"),
        ("POST", "seconds=60&severity=bad", 400, "severity must be one of"),
        ("POST", "seconds=60&labels=a", 400, "labels must have the form"),
        ("POST", "seconds=60&rule=a&x=1", 400, "Unknown parameter"),
        ("DELETE", "id=x", 404, "There is no silence 'x'"),
        ("PUT", "", 405, "use GET or HEAD or POST or DELETE"),
        ("GET", "x=1", 400, "Unknown parameter"),
    ],
)
def test_what_is_not_a_silence(
    method: str, query: str, status: int, reason: str, silenced: tuple[App, HttpReceiver, Path]
) -> None:
    """One sentence with what is allowed."""
    app, _, _ = silenced
    found, answer = ask(app.url, method, f"/api/v1/silences?{query}")
    assert (found, reason in answer["error"]) == (status, True), answer


def test_who_may_add_a_silence(tmp_path: Path) -> None:
    """With tokens, a client that has one. Pages of other sites may only read, also those that may read."""
    path = "/api/v1/silences?rule=a&seconds=60"
    settings = with_receiver(
        tmp_path, "http://localhost:1", token="t" * 16, allow_origin="https://other.example"
    )
    with App(settings) as app:
        assert ask(app.url, "POST", path)[0] == 401
        bearer = {"Authorization": "Bearer " + "t" * 16}
        assert ask(app.url, "POST", path, **bearer)[1]["by"] == "token"
        own = app.url.rstrip("/")
        assert ask(app.url, "POST", path, Origin=own, **bearer)[0] == 200
        for origin in ("https://other.example", "https://evil.example"):
            assert ask(app.url, "POST", path, Origin=origin, **bearer)[0] == 403
            assert (
                ask(app.url, "DELETE", "/api/v1/silences?id=1", Origin=origin, **bearer)[0] == 403
            )
        assert (
            ask(app.url, "GET", "/api/v1/silences", Origin="https://other.example", **bearer)[0]
            == 200
        )


def test_without_tokens_only_this_host_may_add_a_silence(tmp_path: Path) -> None:
    """A request that a proxy has forwarded may come from anywhere."""
    path = "/api/v1/silences?rule=a&seconds=60"
    with App(with_receiver(tmp_path, "http://localhost:1", no_auth=True)) as app:
        assert ask(app.url, "POST", path)[0] == 200
        forwarded = {"X-Forwarded-For": "192.0.2.1"}
        assert ask(app.url, "POST", path, **forwarded)[0] == 403
        assert ask(app.url, "GET", "/api/v1/silences", **forwarded)[0] == 200


def test_the_command_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a program with TLS and a token: its own settings are enough."""
    (tmp_path / "tokens").write_text("ann " + "t" * 16)
    (tmp_path / "tokens").chmod(0o600)
    settings = with_receiver(
        tmp_path,
        "http://localhost:1",
        token_file=str(tmp_path / "tokens"),
        tls_cert=str(CERTIFICATE),
        tls_key=str(CERTIFICATE),
    )
    with App(settings) as app:
        options = ["--port", str(address_of(app.url)[1]), "--token-file", settings.token_file]
        options += ["--tls-cert", str(CERTIFICATE), "--tls-key", str(CERTIFICATE)]
        assert main(["silence", "list", *options]) == 0
        assert capsys.readouterr().out == "no silences\n"
        words = ["rule=disk_*", "device=sda", "comment=new disk", "for=2h"]
        assert main(["silence", "add", *words, *options]) == 0
        out = capsys.readouterr().out
        assert out.startswith("added: ")
        assert out.endswith(" by ann, rule=disk_* device=sda: new disk\n")
        assert main(["silence", "list", *options]) == 0
        number = capsys.readouterr().out.split()[0]
        assert main(["silence", "remove", number, *options]) == 0
        assert capsys.readouterr().out == f"removed: {number}\n"
        assert main(["silence", "remove", number, *options]) == 2
        error = capsys.readouterr().err
        assert "There is no silence" in error
        assert "--notify" not in error


def test_a_silence_of_a_label_with_a_comma(silenced: tuple[App, HttpReceiver, Path]) -> None:
    """The comma is not taken for the end of the label. Other labels are not affected."""
    app, _, _ = silenced
    place = Place("127.0.0.1", address_of(app.url)[1], "", None)
    words = ["add", "for=1h", "mountpoint=/mnt/a,b,c", "device=sda", "comment=x, y"]
    silence_command.run(words, place)
    (silence,) = ask(app.url, "GET", "/api/v1/silences")[1]["silences"]
    assert (silence["labels"], silence["comment"]) == (
        {"device": "sda", "mountpoint": "/mnt/a?b?c"},
        "x, y",
    )


@pytest.mark.parametrize("words", [["list"], ["add", "rule=a", "for=1h"]])
def test_a_silence_of_a_program_without_receivers(words: list[str]) -> None:
    """The error names the setting that is missing."""
    with App(FAST) as app:
        place = Place("127.0.0.1", address_of(app.url)[1], "", None)
        with pytest.raises(UsageError, match="--notify FILE"):
            silence_command.run(words, place)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "use 'silence list'"),
        (["add", "x"], "'x' is not NAME=VALUE"),
        (["add", "rule=a"], "for=DURATION is missing"),
        (["add", "rule=a", "rule=b", "for=1h"], "given twice"),
        (["add", "rule=a", "for=1"], "'1' must be a number and s, m, h or d"),
        (["list"], "cannot be reached: Connection refused"),
    ],
)
def test_a_command_silence_that_is_not_valid(words: list[str], reason: str) -> None:
    """One line with what is allowed."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(UsageError, match=reason):
            silence_command.run(words, Place("0.0.0.0", unused.getsockname()[1], "", None))


def test_a_front_end_notifies_of_a_lost_host(tmp_path: Path) -> None:
    """And of nothing that the host itself notifies of."""
    with http_receiver() as server:
        settings = with_receiver(tmp_path, server.url)
        (tmp_path / "rules.toml").write_text(
            'defaults = false\n[[rule]]\nname = "down"\neach = "hosts"\n'
            "warning = \"state != 'live'\"\nfor = '0s'\nresolve_after = '0s'\n"
        )
        watching = replace(settings, watch="http://127.0.0.1:1", no_collect=True)
        with App(watching):
            assert eventually(lambda: events(server) == [("firing", "down")])


# The program with short delays, so that a test need not wait for minutes. The disk of the test may be slow.
SHORT_DELAYS = """
import sys
from telemetry_stream import cli, state_file
from telemetry_stream.notify import notifier, outbox
notifier.CLOSE_SECONDS = state_file.CLOSE_SECONDS = 10
outbox.FIRST_RETRY_SECONDS, outbox.MAX_RETRY_SECONDS = 0.05, 0.2
sys.exit(cli.main())
"""


@contextmanager
def program(folder: Path, settings: Settings) -> Iterator[Program]:
    """A process of the program."""
    names = ("rules", "notify", "proc_root", "state_dir")
    options = [f"--{name.replace('_', '-')}={getattr(settings, name)}" for name in names]
    found = Program(["--port=0", "--interval=0.1", *options], SHORT_DELAYS, folder)
    try:
        yield found
    finally:
        found.end()


@pytest.mark.timeout(240)  # it starts the program five times
def test_kills_and_failures_lose_no_alert(tmp_path: Path) -> None:
    """A soak: alerts fire and resolve while the receiver fails in every way, and the program is killed.

    The API shows when each alert has fired. The sum that the receiver gets is the number of these times, and the end of
    each is delivered. An event is repeated only if the program was killed before its delivery was saved.
    """
    accepted: list[Request] = []
    hung: list[Request] = []

    def accept(request: Request, _: socket.socket) -> Answer | None:
        accepted.append(request)
        return Answer()

    def hang(request: Request, connection: socket.socket) -> Answer | None:
        hung.append(request)
        server.released.wait(1)
        return None

    def limit_the_first(request: Request, connection: socket.socket) -> Answer | None:
        server.answer = accept
        return Answer(429, (("Retry-After", "1"),))

    def failed(_: Request, __: socket.socket) -> Answer | None:
        return Answer(500)

    levels = (2, 4, 6)
    shown: set[tuple[str, float]] = set()
    may_repeat: Counter[tuple[str, str]] = Counter()
    with http_receiver() as server:
        settings = with_receiver(tmp_path, server.url, *levels, state_dir=str(tmp_path / "state"))
        behaviours = ((hang, False), (failed, False), (limit_the_first, True), (accept, True))
        for behaviour, is_killed in behaviours:
            server.answer = behaviour
            with program(tmp_path, settings) as running:
                for load in (9, 0, 5):
                    set_load(tmp_path, load)
                    expected = {f"load_{level}" for level in levels if load > level}
                    wait_firing(running, expected, shown)
                if is_killed:
                    # An alert that fires in the milliseconds before a kill fires again after it, with another time.
                    assert eventually(lambda: is_saved(tmp_path, running.url)), running.log
                    if behaviour is accept:
                        assert eventually(lambda: accepted and not [*undelivered(tmp_path)])
                    running.process.send_signal(signal.SIGKILL)
                    running.process.wait()
                    may_repeat += Counter(undelivered(tmp_path))
                else:
                    assert running.stop() == 0
        with program(tmp_path, settings) as running:
            for load in (9, 0):
                set_load(tmp_path, load)
                wait_firing(running, {f"load_{level}" for level in levels if load > level}, shown)
                wait_last(running, accepted, "load_6", "firing" if load else "resolved")
            assert eventually(lambda: have_ended(accepted, levels)), running.log
            assert running.stop() == 0
    assert hung
    found = delivered(accepted)
    check_ends(found, Counter(name for name, _ in shown))
    events = [(alert["id"], alert["kind"]) for alert in found]
    assert Counter(events) - Counter(set(events)) <= may_repeat


def check_ends(found: list[dict[str, Any]], times: Counter[str]) -> None:
    """Check that each alert has ended, and that the sum of each rule is how often it has fired."""
    ends = {alert["id"]: alert for alert in found if alert["kind"] == "resolved"}
    assert {alert["id"] for alert in found} == ends.keys()
    counted: Counter[str] = Counter()
    for end in ends.values():
        counted[end["rule"]] += end["times"]
    assert counted == times


def wait_firing(running: Program, expected: set[str], shown: set[tuple[str, float]]) -> None:
    """Wait until exactly these rules fire."""
    assert eventually(lambda: firing(running.url, shown) == expected), running.log


def is_saved(folder: Path, url: str) -> bool:
    """Return whether both files of the state directory have the alerts that fire."""
    fires = since_of(get(url, "/api/v1/alerts")[1]["alerts"])
    alerts = json.loads((folder / "state/alerts.json").read_text())["alerts"]
    entries = [one["alert"] for one in saved_entries(folder) if one["is_firing"]]
    return fires == since_of(alerts) == since_of(entries)


def saved_entries(folder: Path) -> list[dict[str, Any]]:
    """Return what the state directory has of the receiver."""
    found = json.loads((folder / "state/notify.json").read_text())["receivers"]["one"]
    return [dict(entry) for entry in found]


def since_of(alerts: list[dict[str, Any]]) -> set[tuple[str, float]]:
    """Return rules, and since when they fire."""
    return {(alert["rule"], alert["since_unix"]) for alert in alerts}


def undelivered(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield id and kind of each event that is not delivered, as far as the state directory has it."""
    for one in saved_entries(folder):
        key, alert = key_of(one["scope"], one["alert"]), one["alert"]
        found = Event("firing", key, one["host_id"], one["host_name"], alert, one["begun_unix"])
        if one["sent"] is None:
            yield found.id, "firing"
        if not one["is_firing"]:
            yield found.id, "resolved"


def firing(url: str, shown: set[tuple[str, float]]) -> set[str]:
    """Return the rules that fire, and note them with their times."""
    found = get(url, "/api/v1/alerts")[1]["alerts"] or []
    shown |= since_of(found)
    return {alert["rule"] for alert in found}


def delivered(requests: list[Request]) -> list[dict[str, Any]]:
    """Return all events that were accepted."""
    return [alert for request in requests for alert in request.json["alerts"]]


def have_ended(requests: list[Request], levels: tuple[int, ...]) -> bool:
    """Return whether the last event of each rule is its end."""
    return last(requests) == {f"load_{level}": "resolved" for level in levels}


def wait_last(running: Program, requests: list[Request], rule: str, kind: str) -> None:
    """Wait until the last event of a rule is of this kind."""
    assert eventually(lambda: last(requests).get(rule) == kind), running.log


def last(requests: list[Request]) -> dict[str, str]:
    """Return the kind of the last event of each rule."""
    return {alert["rule"]: alert["kind"] for alert in delivered(requests)}
