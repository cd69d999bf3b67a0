"""The API of Docker and Podman: a server of the test on a real socket, which answers well, badly, slowly or never."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources import container_api
from telemetry_stream.metrics.sources.container_api import (
    FORGET_SECONDS,
    MAX_ANSWER_BYTES,
    MAX_LABELS,
    REQUEST_SECONDS,
    Api,
    ApiError,
    parse,
    request,
)
from telemetry_stream.metrics.sources.container_finder import Finder
from telemetry_stream.metrics.sources.container_record import Described, Label
from telemetry_stream.metrics.sources.container_restarts import Restarts
from telemetry_stream.metrics.sources.containers import ContainersSource
from tests.metrics.sources.test_container_files import put_v2
from tests.metrics.sources.test_containers import DOCKER, ID
from tests.metrics.trees import Tree, odd

WEB = {
    "Id": ID,
    "Names": ["/web"],
    "Image": "nginx:1.29",
    "State": "running",
    "Status": "Up 2 hours (healthy)",
    "Labels": {"com.docker.compose.project": "shop"},
}
DESCRIBED = Described(
    "web", "nginx:1.29", "healthy", (Label("com.docker.compose.project", "shop"),)
)


def ok(body: bytes) -> bytes:
    """Return a whole answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class FakeApi:
    """Answers every connection with ``answer``; with ``pause``, a byte at a time; without an answer, never."""

    def __init__(self, listener: socket.socket) -> None:
        self.answer: bytes | None = ok(json.dumps([WEB]).encode())
        self.pause = 0.0
        self.requests: list[bytes] = []
        self._end = threading.Event()
        self._listener = listener
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """End the connections and the thread."""
        self._end.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._answer(connection)
                except OSError:  # the client has ended
                    continue

    def _answer(self, connection: socket.socket) -> None:
        self.requests.append(connection.recv(65536))
        if self.answer is None:
            self._end.wait(30)
        elif self.pause == 0.0:
            connection.sendall(self.answer)
        else:
            for byte in self.answer:
                connection.sendall(bytes([byte]))
                if self._end.wait(self.pause):
                    return


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """The path of a socket. It is short: a longer one than 107 bytes has no socket."""
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield f"/proc/self/fd/{directory}/api.sock"
    os.close(directory)


@pytest.fixture
def api(path: str) -> Iterator[FakeApi]:
    """A server on this socket."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    made = FakeApi(listener)
    yield made
    made.close()


def test_the_containers_of_an_answer(api: FakeApi, path: str) -> None:
    """One request, which a proxy that allows nothing else can answer, too."""
    assert request(f"unix://{path}") == {ID: DESCRIBED}
    assert api.requests[0].startswith(b"GET /containers/json HTTP/1.1\r\n")


def test_a_chunked_answer(api: FakeApi, path: str) -> None:
    """Docker sends long lists in chunks."""
    body = json.dumps([WEB]).encode()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    api.answer = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert request(f"unix://{path}") == {ID: DESCRIBED}


def test_an_address_of_a_proxy() -> None:
    """A read-only proxy usually has a TCP port."""
    made = FakeApi(socket.create_server(("127.0.0.1", 0)))
    port = made._listener.getsockname()[1]
    try:
        assert request(f"tcp://127.0.0.1:{port}") == {ID: DESCRIBED}
    finally:
        made.close()


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n[]", ApiError, "status 404"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", ApiError, "status 403"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", HTTPException, "SSH"),
        (b"\x00\xff" * 100_000, HTTPException, "line"),
        (b"", HTTPException, "closed"),
        (ok(b"<html>"), ApiError, "not JSON"),
        (ok(b"[" * 100_000), ApiError, "not JSON"),
        (ok(b'[{"Id": 1' + b"0" * 5000 + b"}]"), ApiError, "not JSON"),
        (ok(b'{"message": "no"}'), ApiError, "not a list"),
        (
            b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_ANSWER_BYTES + 1),
            ApiError,
            f"more than {MAX_ANSWER_BYTES}",
        ),
    ],
)
def test_a_bad_answer_is_an_error(
    api: FakeApi, path: str, answer: bytes, error: type[Exception], reason: str
) -> None:
    """An answer without an end is not read to its end."""
    api.answer = answer
    with pytest.raises(error, match=reason):
        request(f"unix://{path}")


@pytest.mark.parametrize(("answer", "pause"), [(None, 0.0), (ok(b" " * 1000), 0.05)])
def test_a_slow_answer_ends_in_time(
    api: FakeApi, path: str, monkeypatch: pytest.MonkeyPatch, answer: bytes | None, pause: float
) -> None:
    """A server that hangs, and one that sends a byte now and then: each read alone is in time."""
    monkeypatch.setattr(container_api, "TIMEOUT_SECONDS", 0.3)
    api.answer, api.pause = answer, pause
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        request(f"unix://{path}")
    assert time.monotonic() - began < 10


def test_a_proxy_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that was connected to an address has no timeout of its own."""
    monkeypatch.setattr(container_api, "TIMEOUT_SECONDS", 0.3)
    made = FakeApi(socket.create_server(("127.0.0.1", 0)))
    made.answer = None
    try:
        with pytest.raises(TimeoutError):
            request(f"tcp://127.0.0.1:{made._listener.getsockname()[1]}")
    finally:
        made.close()


def test_without_a_server_the_reason_is_that_of_the_system(path: str) -> None:
    """No socket, and no permission to connect."""
    with pytest.raises(FileNotFoundError):
        request(f"unix://{path}")
    with pytest.raises(ValueError, match=r"[Pp]ort"):
        request("tcp://127.0.0.1:99999")


def test_podman_and_docker_differ_in_the_details() -> None:
    """A container without a health check, one that starts, and values of other types."""
    rows = [
        {"Id": "a", "Names": ["b"], "Status": "Up 3 minutes", "Labels": None},
        {"Id": "c", "Names": [], "Status": "Up 1 second (health: starting)", "Image": "\ud800"},
        {"Id": "d", "Names": "e", "Status": "Up (unhealthy)", "Image": 5, "Labels": {"k": 1}},
        {"Names": ["/none"]},
        "text",
    ]
    assert parse(json.dumps(rows).encode()) == {
        "a": Described("b"),
        "c": Described(None, "?", "starting"),
        "d": Described(None, None, "unhealthy", (Label("k", None),)),
    }


def test_texts_and_labels_are_limited() -> None:
    """A container can have any number of labels of any length."""
    labels = {f"{number:0500}": "x" * 500 for number in range(100)}
    described = parse(json.dumps([{**WEB, "Labels": labels, "Names": ["n" * 999]}]).encode())[ID]
    assert described.name == "n" * 256
    assert len(described.labels) == MAX_LABELS
    assert {(len(label.name), len(label.value or "")) for label in described.labels} == {(256, 256)}


@given(odd(json.dumps([WEB]).encode()))
def test_any_body_is_parsed_or_refused(body: bytes) -> None:
    """Its texts can be encoded."""
    try:
        found = parse(body)
    except ApiError:
        return
    for described in found.values():
        (described.name or "").encode()


def made(tree: Tree, address: str) -> Api:
    """Return the API as a source that waits for its workers uses it."""
    return Api([address], tree.clock, timeout_seconds=10.0)


def test_it_is_requested_every_10_s(tree: Tree, api: FakeApi, path: str) -> None:
    """An answer is used until the next one."""
    names = made(tree, f"unix://{path}")
    assert names.described(tree.tick()) == {ID: DESCRIBED}
    assert names.described(tree.tick(REQUEST_SECONDS - 1)) == {ID: DESCRIBED}
    assert len(api.requests) == 1
    api.answer = ok(b"[]")
    assert names.described(tree.tick(1.0)) == {}
    assert len(api.requests) == 2
    names.close()


def test_names_are_kept_for_a_minute_without_an_answer(
    tree: Tree, api: FakeApi, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has a line when the failure begins, and one when it ends."""
    caplog.set_level(logging.INFO, container_api.__name__)
    names = made(tree, f"unix://{path}")
    names.described(tree.tick())
    good, api.answer = api.answer, b"HTTP/1.1 503 Busy\r\n\r\n"
    for _ in range(5):
        assert names.described(tree.tick(FORGET_SECONDS / 6)) == {ID: DESCRIBED}
    assert names.described(tree.tick(FORGET_SECONDS / 6)) == {}
    api.answer = good
    assert names.described(tree.tick(REQUEST_SECONDS)) == {ID: DESCRIBED}
    assert [record.getMessage() for record in caplog.records] == [
        f"Container API unix://{path}: status 503",
        f"Container API unix://{path}: ok",
    ]
    names.close()


@pytest.fixture
def finder(tree: Tree) -> Iterator[Finder]:
    """The containers of the tree. Each search is waited for."""
    made = Finder(tree.files, timeout_seconds=10.0)
    yield made
    made.close()


@pytest.fixture
def restarts() -> Iterator[Restarts]:
    """No restarts."""
    made = Restarts()
    yield made
    made.close()


def test_a_container_has_the_name_that_the_api_reports(
    tree: Tree, api: FakeApi, path: str, finder: Finder, restarts: Restarts
) -> None:
    """And those that it does not report have none."""
    put_v2(tree, DOCKER)
    put_v2(tree, "/docker/" + "1" * 64)
    names = made(tree, f"unix://{path}")
    source = ContainersSource(tree.files, finder, restarts, names)
    section = source.collect(tree.tick())
    assert section is not None
    shown = {row.id: (row.name, row.image, row.health, row.labels) for row in section}
    assert shown == {
        "4f5a6b7c8d9e": ("web", "nginx:1.29", "healthy", DESCRIBED.labels),
        "1" * 12: (None, None, None, ()),
    }
    source.close()


def test_an_api_that_hangs_delays_no_tick(
    tree: Tree, api: FakeApi, path: str, finder: Finder, restarts: Restarts
) -> None:
    """The containers are shown without their names."""
    api.answer = None
    put_v2(tree, DOCKER)
    names = Api([f"unix://{path}"], tree.clock)
    source = ContainersSource(tree.files, finder, restarts, names)
    for _ in range(3):
        section = source.collect(tree.tick())
        assert section is not None
        assert section[0].name is None
    api._end.set()
    source.close()


def test_nothing_is_requested_unless_an_address_is_set(tree: Tree) -> None:
    """A socket of Docker that happens to be there is not used."""
    put_v2(tree, DOCKER)
    collector = tree.collector()
    collector.collect(["containers"])
    source = next(one for one in collector._sources if isinstance(one, ContainersSource))
    assert source._api is None
