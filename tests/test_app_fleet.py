"""A front end with real hosts: several apps, and proxies between them that stall or cut."""

from __future__ import annotations

import errno
import http.client
import itertools
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream import App, Settings, SettingsError, __version__
from telemetry_stream.access.guard import SETTING_NAME
from telemetry_stream.fleet import line, link, overviews, record
from telemetry_stream.net.dial import Dialer
from telemetry_stream.net.transport import Transport
from telemetry_stream.server import fleet
from tests.apps import FAST
from tests.conftest import eventually
from tests.fleet.proxy import Proxy
from tests.net.pairs import held_port
from tests.server.service import sample
from tests.test_app_alerts import UP
from tests.viewers import (
    Message,
    address_of,
    assert_consecutive,
    bare_socket,
    clients,
    get,
    lines_reader,
    read_samples,
    seqs,
    upgrade_request,
    websockets_viewer,
)


def front(*urls: str, **settings: Any) -> App:
    """Return a front end of these hosts, whose own host is ``front``."""
    return App(replace(FAST, watch=",".join(urls), host_id="front", **settings))


def host(name: str, **settings: Any) -> App:
    """Return a host with this id."""
    return App(replace(FAST, host_id=name, **settings))


def hosts(app: App) -> dict[str, Message]:
    """Return the report of each host by id."""
    status, report = get(app.url, "/api/v1/hosts")
    assert status == 200
    return {one["id"]: one for one in report["hosts"]}


def states(app: App) -> dict[str, str]:
    """Return the state of each host by id."""
    return {name: one["state"] for name, one in hosts(app).items()}


def wait_for(app: App, expected: dict[str, str]) -> None:
    """Wait until these hosts are in these states."""
    assert eventually(lambda: expected.items() <= states(app).items(), 20), hosts(app)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent host is lost after two seconds."""
    monkeypatch.setattr(record, "LOST_SECONDS", 2.0)


def test_all_hosts_are_served() -> None:
    """The own one too; each with its history, over WebSocket, as lines and by request."""
    with host("web-1") as one, host("web-2") as two, front(one.url, two.url) as app:
        wait_for(app, dict.fromkeys(("front", "web-1", "web-2"), "live"))
        for name in ("front", "web-1", "web-2"):
            with websockets_viewer(app.url, f"host={name}&history=600") as viewer:
                hello, history = viewer.read(), viewer.read()
                assert hello["host"]["id"] == name
                numbers = seqs(history["samples"]) + seqs(read_samples(viewer, 3))
                assert_consecutive(numbers)
                assert numbers[0] == 1
        with lines_reader(app.url, "host=web-2&sections=cpu") as lines:
            assert next(lines)["host"]["id"] == "web-2"
            assert set(next(lines)["sources"]) == {"cpu"}
        assert get(app.url, "/api/v1/sample?host=web-1")[1]["host"] == "web-1"
        samples = get(app.url, "/api/v1/history?host=web-1&sections=load")[1]["samples"]
        assert_consecutive(seqs(samples))
        assert get(app.url, "/api/v1/sample?host=web-3")[0] == 404
        assert get(app.url, "/api/v1/sample")[1]["host"] == "front"
        assert "node_cpu" in metrics(app)


@pytest.mark.parametrize("token", ["", "0123456789abcdef-secret"])
def test_the_report_has_the_version_and_the_user_of_the_front_end(token: str) -> None:
    """As ``hello``, because the overview is shown without the stream of a host."""
    with front("http://127.0.0.1:1", token=token) as app:
        with closing(http.client.HTTPConnection(*address_of(app.url), timeout=10)) as connection:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request("GET", "/api/v1/hosts", headers=headers)
            report = json.loads(connection.getresponse().read())
        assert report["version"] == __version__
        assert report["user"] == (SETTING_NAME if token else None)


def test_on_demand_sections_of_another_host() -> None:
    """Are collected there as long as a viewer here names them."""
    with host("web-1") as one, front(one.url) as app:
        wait_for(app, {"web-1": "live"})
        with websockets_viewer(app.url, "host=web-1&sections=processes") as viewer:
            while "processes" not in (message := viewer.read()):
                assert message["type"] in ("hello", "sample")
            assert message["host"] == "web-1"
        found = get(app.url, "/api/v1/sample?host=web-1&sections=processes")[1]
        assert found["processes"]["total"] > 0


def test_the_overview_has_each_host_every_second() -> None:
    """Names first. A selection has its own rows."""
    with host("web-1", tags="db,eu") as one, front(one.url, site="here") as app:
        wait_for(app, {"front": "live", "web-1": "live"})
        with websockets_viewer(app.url, "hosts=*") as viewer:
            names, overview, later = viewer.read(), viewer.read(), viewer.read()
            by_id = {one["id"]: one for one in names["hosts"]}
            assert by_id["web-1"]["tags"] == ["db", "eu"]
            assert by_id["front"]["site"] == "here"
            assert overview["revision"] == names["revision"]
            assert {row[0] for row in later["rows"]} == {one["number"] for one in names["hosts"]}
        with websockets_viewer(app.url, "hosts=*&tag=db&top=5&by=memory&every=2") as viewer:
            assert [one["id"] for one in viewer.read()["hosts"]] == ["web-1"]


def test_too_many_different_selections_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reason. What others have selected already is not."""
    monkeypatch.setattr(overviews, "MAX_SELECTIONS", 1)
    with front("http://127.0.0.1:1") as app, websockets_viewer(app.url, "hosts=*&tag=b,a") as one:
        one.read()
        status, _ = get(app.url, "/api/v1/stream?hosts=*&top=5")
        assert status == 503
        for query in ("hosts=*&tag=a,b&by=memory", "hosts=*"):
            with websockets_viewer(app.url, query) as viewer:
                assert viewer.read()["type"] == "hosts"


def test_with_a_single_host_nothing_of_the_fleet_is_visible() -> None:
    """Neither routes, parameters nor fields."""
    with host("web-1") as app:
        for path in ("/api/v1/hosts", "/api/v1/sparklines"):
            with socket.create_connection(address_of(app.url), 10) as sock:
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                assert b" 404 " in sock.recv(100)
        assert get(app.url, "/api/v1/stream?hosts=*")[0] == 400
        with websockets_viewer(app.url) as viewer:
            hello = viewer.read()
            assert "site" not in hello
            assert "tags" not in hello


def test_a_host_that_is_killed_is_late_then_lost_and_returns_without_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its last values stay. The viewer here stays connected, and gets what it missed."""
    monkeypatch.setattr(record, "LOST_SECONDS", 600.0)
    with (
        host("web-1") as one,
        Proxy(address_of(one.url)) as proxy,
        front(proxy.url) as app,
    ):
        wait_for(app, {"web-1": "live"})
        with websockets_viewer(app.url, "host=web-1&history=600") as viewer:
            viewer.read()
            numbers = seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 3))
            proxy.cut(refuse=True)
            wait_for(app, {"web-1": "late"})
            monkeypatch.setattr(record, "LOST_SECONDS", 2.0)
            wait_for(app, {"web-1": "lost", "front": "live"})
            lost = hosts(app)["web-1"]
            assert lost["vitals"]["memory"] is not None
            assert lost["age_seconds"] >= 2
            proxy.accept()
            wait_for(app, {"web-1": "live"})
            seq = hosts(app)["web-1"]["seq"]
            while numbers[-1] < seq:
                numbers += seqs(read_samples(viewer, 1))
            assert_consecutive(numbers)


@pytest.mark.usefixtures("hurried")
def test_a_hung_host_affects_no_other() -> None:
    """It becomes lost, because others answer: our own link is up."""
    with (
        host("web-1") as one,
        host("web-2") as two,
        Proxy(address_of(one.url)) as proxy,
        front(proxy.url, two.url) as app,
    ):
        wait_for(app, {"web-1": "live", "web-2": "live"})
        with websockets_viewer(app.url, "host=web-2&history=0") as viewer:
            viewer.read()
            viewer.read()
            numbers = seqs(read_samples(viewer, 2))
            proxy.stall()
            wait_for(app, {"web-1": "lost", "web-2": "live"})
            while numbers[-1] < hosts(app)["web-2"]["seq"]:
                numbers += seqs(read_samples(viewer, 1))
            assert_consecutive(numbers)
            proxy.flow()
            wait_for(app, {"web-1": "live"})


@pytest.mark.usefixtures("hurried")
def test_a_lost_link_of_ours_is_not_the_loss_of_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No host answers any more, and no connection can be made: unreachable. Never lost, also if one returns first.

    With a longer interval than in other tests: what one host sends after another one is late shows that our link works,
    and beside other work the last messages of the three arrive at different times.
    """
    monkeypatch.setattr(link, "BREAK_SECONDS", 1.0)
    monkeypatch.setattr(link, "UNBROKEN_SECONDS", 60.0)
    monkeypatch.setattr(line, "SILENCE_SECONDS", 1.0)
    connect, blocked = Dialer.connect, set[int]()

    def connect_or_time_out(self: Dialer, deadline: float) -> Transport:
        if self._endpoint.port in blocked:
            raise TimeoutError(errno.ETIMEDOUT, "no answer")
        return connect(self, deadline)

    monkeypatch.setattr(Dialer, "connect", connect_or_time_out)
    seen: set[str] = set()

    def are(*expected: str) -> bool:
        now = states(app)
        found = [now.get(f"web-{number}", "") for number in (1, 2, 3)]
        seen.update(found)
        return found == [*expected]

    with ExitStack() as stack:
        apps = [stack.enter_context(host(f"web-{number}", interval=0.5)) for number in (1, 2, 3)]
        proxies = [stack.enter_context(Proxy(address_of(one.url))) for one in apps]
        app = stack.enter_context(front(*(proxy.url for proxy in proxies)))
        assert eventually(lambda: are("live", "live", "live"), 20)
        blocked.update(proxy.port for proxy in proxies)
        for proxy in proxies:
            proxy.stall()
        assert eventually(lambda: are("unreachable", "unreachable", "unreachable"), 20)
        blocked.remove(proxies[0].port)
        proxies[0].flow()
        assert eventually(lambda: are("live", "unreachable", "unreachable"), 20)
        seq = hosts(app)["web-1"]["seq"]
        assert eventually(lambda: hosts(app)["web-1"]["seq"] > seq + 5, 20)
        assert eventually(lambda: are("live", "unreachable", "unreachable"), 20)
        blocked.clear()
        for proxy in proxies:
            proxy.flow()
        assert eventually(lambda: are("live", "live", "live"), 20)
        assert "lost" not in seen


def test_a_host_that_stops_is_gone_and_its_restart_is_another_run() -> None:
    """A viewer of the old run is closed with 1001, and resumes as after a restart of its own server."""
    with ExitStack() as stack:
        port = stack.enter_context(held_port())
        first = stack.enter_context(host("web-1", port=port))
        app = stack.enter_context(front(first.url))
        wait_for(app, {"web-1": "live"})
        viewer = stack.enter_context(websockets_viewer(app.url, "host=web-1"))
        run = viewer.read()["stream"]
        read_samples(viewer, 2)
        first.close()
        wait_for(app, {"web-1": "gone"})
        stack.enter_context(host("web-1", port=port))
        assert viewer.read_close_code() == 1001
        wait_for(app, {"web-1": "live"})
        with websockets_viewer(app.url, f"host=web-1&since=5&stream={run}") as again:
            assert again.read()["stream"] != run
            numbers = seqs(again.read()["samples"]) + seqs(read_samples(again, 1))
            assert numbers[0] == 1


def test_a_viewer_resumes_on_another_front_end() -> None:
    """With since and stream, and without a gap: the numbers are those of the origin."""
    with host("web-1") as one, front(one.url) as left, front(one.url) as right:
        wait_for(left, {"web-1": "live"})
        wait_for(right, {"web-1": "live"})
        with websockets_viewer(left.url, "host=web-1&since=0") as viewer:
            run = viewer.read()["stream"]
            numbers = seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 3))
        left.close()
        with websockets_viewer(right.url, f"host=web-1&since={numbers[-1]}&stream={run}") as viewer:
            assert viewer.read()["stream"] == run
            numbers += seqs(viewer.read()["samples"]) + seqs(read_samples(viewer, 3))
        assert_consecutive(numbers)


def test_a_viewer_that_joins_before_the_first_answer_gets_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The samples of the answer come at once: three megabytes, for which neither its queue nor its socket has room."""
    monkeypatch.setattr(fleet, "FILL_SECONDS", 0.1)
    with host("web-1") as one, Proxy(address_of(one.url)) as proxy, front(proxy.url) as app:
        feed = one.stream.feed()
        for _ in range(150):
            pad = {"pad": {"text": "x" * 20_000}}
            # Of this moment: what is older than the history is not kept for a viewer that has no room.
            now, up = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
            feed.publish(
                replace(sample(), host="web-1", time_unix=now, uptime_seconds=up, sections=pad)
            )
        wait_for(app, {"web-1": "live"})
        proxy.stall()
        with lines_reader(app.url, "host=web-1&history=600") as lines:
            assert next(lines)["host"]["id"] == "web-1"
            assert next(lines)["samples"] == []
            proxy.flow()
            assert eventually(lambda: get(app.url, "/api/v1/sample?host=web-1")[0] == 200)
            assert seqs(list(itertools.islice(lines, 150))) == list(range(1, 151))


def test_a_stuck_viewer_affects_nobody() -> None:
    """Neither of the overview nor of a host."""
    with ExitStack() as stack:
        one = stack.enter_context(host("web-1"))
        app = stack.enter_context(front(one.url))
        wait_for(app, {"web-1": "live"})
        for query in ("hosts=*", "host=web-1&history=600"):
            stack.enter_context(bare_socket(app.url, upgrade_request(query)))
        assert eventually(lambda: len(clients(app.url)) == 2)
        viewer = stack.enter_context(websockets_viewer(app.url, "host=web-1"))
        viewer.read()
        assert_consecutive(seqs(read_samples(viewer, 20)))
        wait_for(app, {"web-1": "live"})


def test_the_same_host_twice_and_the_front_end_itself_are_duplicates() -> None:
    """They are shown with the reason, and cause one connection in a minute."""
    with held_port() as port, host("web-1") as one, Proxy(address_of(one.url)) as proxy:
        own = f"http://127.0.0.1:{port}"
        with front(one.url, proxy.url, own, port=port) as app:
            wait_for(app, {"front": "live", f"127.0.0.1:{port}": "duplicate"})
            assert eventually(lambda: sorted(states(app).values()).count("duplicate") == 2)
            assert hosts(app)[f"127.0.0.1:{port}"]["reason"] == "This is the front end itself"
            assert proxy.accepted <= 1
            wait_for(app, {"front": "live"})


def test_two_hosts_with_one_id_are_duplicates() -> None:
    """Both are shown, with the setting that helps."""
    with host("web-1") as one, host("web-1") as two, front(one.url, two.url) as app:

        def shown() -> list[Message]:
            reports = hosts(app).values()
            return [
                one for one in reports if one["state"] == "duplicate" and one["vitals"] is not None
            ]

        assert eventually(lambda: len(shown()) == 2)
        assert all("--host-id" in one["reason"] for one in shown())


def test_a_front_end_without_a_host_of_its_own() -> None:
    """A request must name a host. It is healthy without a sample, and Prometheus gets the counts."""
    ready: list[int] = []
    with host("web-1") as one:
        settings = replace(FAST, watch=one.url, no_collect=True)
        with App(settings, on_ready=lambda: ready.append(1)) as app:
            assert ready == [1]
            wait_for(app, {"web-1": "live"})
            assert list(hosts(app)) == ["web-1"]
            status, answer = get(app.url, "/api/v1/sample")
            assert status == 400
            assert "name a host" in answer["error"]
            assert get(app.url, "/healthz") == (200, {"status": "ok"})
            assert eventually(lambda: 'telemetry_stream_hosts{state="live"} 1' in metrics(app))
            text = metrics(app)
            assert 'telemetry_stream_gaps_total{repaired="no"} 0' in text
            assert "node_cpu" not in text


def metrics(app: App) -> str:
    """Return the Prometheus page."""
    with socket.create_connection(address_of(app.url), 10) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()


def test_a_front_end_that_watches_front_ends_does_not_loop() -> None:
    """Each shows the host of the other, and nothing more."""
    with ExitStack() as stack:
        ports = [stack.enter_context(held_port()) for _ in range(2)]
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        with (
            App(replace(FAST, port=ports[0], watch=urls[1], host_id="left")) as left,
            App(replace(FAST, port=ports[1], watch=urls[0], host_id="right")) as right,
        ):
            wait_for(left, {"left": "live", "right": "live"})
            wait_for(right, {"left": "live", "right": "live"})
            assert len(hosts(left)) == len(hosts(right)) == 2


@contextmanager
def watch_file(folder: Any, content: str) -> Iterator[str]:
    """Write a watch file that only its owner can read."""
    path = folder / "hosts.txt"
    path.write_text(content)
    path.chmod(0o600)
    yield str(path)


def test_tokens_come_from_the_watch_file(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    """And appear in no log and no report."""
    token = "0123456789abcdef-secret"
    with host("web-1", token=token) as one, watch_file(tmp_path, f"{one.url} {token}\n") as path:
        with App(replace(FAST, watch_file=path, host_id="front")) as app:
            wait_for(app, {"web-1": "live"})
            assert token not in json.dumps(hosts(app))
            assert token not in repr(app.settings)
        with front(one.url) as app:
            assert eventually(lambda: "incompatible" in states(app).values())
    assert token not in caplog.text


def test_wrong_hosts_are_an_error_of_the_settings(tmp_path: Any) -> None:
    """One line, with the place."""
    with (
        watch_file(tmp_path, "https://web1 short\n") as path,
        pytest.raises(SettingsError) as caught,
    ):
        App(Settings(watch_file=path))
    assert f"{path}:1: the token must be" in str(caught.value)
    with pytest.raises(SettingsError, match="max_hosts is 1"):
        App(Settings(watch="https://a,https://b", max_hosts=1))
    with pytest.raises(SettingsError, match="together with watch"):
        Settings(no_collect=True)


def test_a_front_end_has_the_alerts_of_its_hosts(tmp_path: Path) -> None:
    """In /api/v1/alerts, and in the hello and the messages of the host's viewers."""
    rules = tmp_path / "rules.toml"
    rules.write_text(UP)
    with host("one", rules=str(rules)) as one, front(one.url) as app:
        path = "/api/v1/alerts?host=one"
        assert eventually(
            lambda: (get(app.url, path)[1].get("alerts") or [{}])[0].get("rule") == "up"
        )
        with websockets_viewer(app.url, "host=one&every=1000") as viewer:
            assert [alert["rule"] for alert in viewer.read()["alerts"]] == ["up"]
            rules.write_text("defaults = false\n")
            one.reload()
            message = viewer.read_any()
            while message["type"] != "alerts":
                message = viewer.read_any()
            assert [alert["state"] for alert in message["alerts"]] == ["resolved"]
        assert eventually(
            lambda: (
                get(app.url, path)[1]
                == {
                    "host": "one",
                    "alerts": [],
                    "omitted_alerts": 0,
                }
            )
        )
        assert get(app.url, "/api/v1/alerts")[1]["host"] == "front"
        assert get(app.url, "/api/v1/alerts?host=nobody")[0] == 404


def test_a_front_end_finds_alerts_itself(tmp_path: Path) -> None:
    """In the reports and the metrics, and saved if there is a state directory."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "twice"\neach = "hosts"\ninfo = "duplicate"\nfor = "0s"\n')
    settings = {"rules": str(rules), "state_dir": str(tmp_path / "state")}
    with host("web-1") as one:
        again = one.url.replace("127.0.0.1", "localhost")

        def found(app: App) -> list[dict[str, Any]]:
            twice = [name for name, state in states(app).items() if state == "duplicate"]
            reports = [get(app.url, f"/api/v1/alerts?host={name}")[1] for name in twice]
            alerts = [alert for report in reports for alert in report["alerts"] or ()]
            return [alert for alert in alerts if alert["known"]]

        with front(one.url, again, **settings) as app:
            assert eventually(lambda: found(app), 20)
            (first,) = found(app)
            address = first["labels"]["address"]
            assert first["rule"] == "twice"
            assert eventually(lambda: (hosts(app)[address]["alerts"] or {}).get("info") == 1)
            labels = f'{{address="{address}",host="{address}",host_name="'
            assert labels in metrics(app)
            assert eventually((tmp_path / "state" / "fleet-alerts.json").is_file)
            rules.write_text("defaults = false\n")
            app.reload()
            assert eventually(lambda: not found(app), 20)
