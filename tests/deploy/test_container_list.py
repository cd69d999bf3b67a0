"""deploy/container-list.conf: nginx in front of the API of Docker permits one request."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_stream.metrics.sources.container_api import request
from tests.conftest import eventually
from tests.deploy.test_proxies import program_named, replaced
from tests.metrics.sources.test_container_api import DESCRIBED, FakeApi, api, path
from tests.metrics.sources.test_containers import ID
from tests.system.program import ROOT
from tests.viewers import TIMEOUT_SECONDS

__all__ = ["api", "path"]


@pytest.fixture
def proxy(api: FakeApi, path: str, tmp_path: Path) -> Iterator[str]:
    """The path of the socket of nginx. Paths are relative to its directory: those of sockets must be short."""
    text = replaced(
        (ROOT / "deploy/container-list.conf").read_text(),
        ("/run/container-list/", ""),
        ("/run/docker.sock", "api.sock"),
    )
    # Started by root, nginx would give up its rights, and with them the directory of the test.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(user + text)
    command = [program_named("nginx"), "-e", "stderr", "-p", f"{tmp_path}/", "-c", "nginx.conf"]
    made = os.path.join(os.path.dirname(path), "socket")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    try:
        assert eventually(lambda: accepts(made) or process.poll())
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield made
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def accepts(path: str) -> bool:
    """Return whether a server listens on a socket."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        return True
    return False


def status(proxy: str, line: str, headers: str = "", body: str = "") -> int:
    """Send a request, as it is, and return the status of its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect(proxy)
        head = f"{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{body}"
        connection.sendall(head.encode())
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])


def test_the_program_gets_the_list(proxy: str, api: FakeApi) -> None:
    """Docker gets the same request, whatever the client sends with it."""
    assert request(f"unix://{proxy}") == {ID: DESCRIBED}
    assert status(proxy, "GET /containers/json?all=1&size=1", "X-Registry-Auth: secret\r\n") == 200
    body = "Content-Length: 9\r\nUpgrade: tcp\r\n"
    assert status(proxy, "GET /containers/json", body, "{'a': 1}\n") == 200
    for sent in api.requests:
        assert sent.startswith(b"GET /containers/json HTTP/1.")
        names = {line.partition(b":")[0].lower() for line in sent.splitlines()[1:] if line}
        assert names <= {b"host", b"connection"}, sent
    assert len(api.requests) == 3


OTHERS = (
    f"GET /containers/{ID}/json",
    f"GET /containers/{ID}/logs?stdout=1",
    f"GET /containers/{ID}/archive?path=/etc/shadow",
    f"GET /containers/json/../{ID}/json",
    f"GET /containers/json%2f..%2f{ID}/json",
    "GET /v1.47/containers/json",
    "GET /containers/json/",
    "GET /Containers/json",
    "GET /info",
    "GET /",
    "POST /containers/json",
    "POST /containers/create",
    f"POST /containers/{ID}/attach",
    "DELETE /containers/json",
    "OPTIONS /containers/json",
)


def test_nothing_else_reaches_docker(proxy: str, api: FakeApi) -> None:
    """Logs, files and environments of containers have secrets, and a new container could own the host."""
    for line in OTHERS:
        assert status(proxy, line) in (400, 403, 405), line
    assert api.requests == []


def test_systemd_accepts_the_service(tmp_path: Path) -> None:
    """It runs nginx with the file that the documents tell to copy, and owns the directory of the socket."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    program = tmp_path / "usr/sbin/nginx"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = (ROOT / "deploy/container-list.service").read_text()
    (units / "container-list.service").write_text(text)
    for target in ("sysinit", "basic", "multi-user", "shutdown"):
        (units / f"{target}.target").write_text("[Unit]\nDescription=a target of systemd\n")
    command = ["systemd-analyze", "verify", "--man=no", f"--root={tmp_path}"]
    done = subprocess.run(
        [*command, "container-list.service"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "RuntimeDirectory=container-list\n" in text
