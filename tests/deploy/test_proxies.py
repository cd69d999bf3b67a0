"""The examples for nginx and Caddy: a login, a viewer and JSON lines through each, with the shipped configuration."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port

from tests.conftest import eventually
from tests.net.pairs import CERTIFICATE
from tests.system.program import ROOT, Program
from tests.system.unthreaded import UnthreadedViewer
from tests.viewers import TIMEOUT_SECONDS, address_of, get

TOKEN = "kitchen-kitchen-1"
NAME = "telemetry.example.org"

# Only the first is a login. But users write such links to other paths too.
WITH_TOKEN = (
    f"/?token={TOKEN}",
    f"/?a=1&%74oken={TOKEN}",
    f"/api/v1/sample?token={TOKEN}",
    f"/deep/link?x=1&token={TOKEN}",
    f"/?a=?&TOKEN={TOKEN}",
    f"//x?b&token={TOKEN}&c=1",
)

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def program_named(name: str) -> str:
    """Return the path of a proxy that scripts/test has fetched, or that the system has."""
    path = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ["PATH"], "/usr/sbin"])
    found = shutil.which(name, path=path)
    assert found, f"the examples for proxies need {name}, which scripts/test fetches"
    return found


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """Replace the parts of an example that its user has to change; each must exist."""
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, upstream: int) -> list[str]:
    """Return the command that runs nginx with deploy/nginx.conf."""
    site = replaced(
        (ROOT / "deploy/nginx.conf").read_text(),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("127.0.0.1:8750", f"127.0.0.1:{upstream}"),
        (f"/etc/ssl/{NAME}.pem", str(CERTIFICATE)),
        (f"/etc/ssl/{NAME}.key", str(CERTIFICATE)),
        ("/var/log/nginx/telemetry.log", f"{folder}/access.log"),
    )
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return [program_named("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, port: int, upstream: int) -> list[str]:
    """Return the command that runs Caddy with deploy/Caddyfile, but with our own certificate."""
    own = f"\n\ttls {CERTIFICATE} {CERTIFICATE}\n"
    site = replaced(
        (ROOT / "deploy/Caddyfile").read_text(),
        (f"\n{NAME} {{", f"\nhttps://{NAME}:{port} {{\n\tbind 127.0.0.1{own}"),
        ("127.0.0.1:8750", f"127.0.0.1:{upstream}"),
        ("\n{\n", "\n{\n\tadmin off\n\tauto_https disable_redirects\n"),
    )
    (folder / "Caddyfile").write_text(site)
    return [program_named("caddy"), "run", "--config", str(folder / "Caddyfile")]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Program, int]]:
    """The program with the options of the examples, and the port on which the proxy serves it."""
    command: Callable[[Path, int, int], list[str]] = request.param
    tokens = tmp_path / "tokens"
    tokens.write_text(f"kitchen {TOKEN}\n")
    tokens.chmod(0o600)
    flags = ["--port", str(free_port()), "--interval", "0.1", "--trust-proxy", "loopback"]
    program = Program([*flags, "--allow-host", NAME, "--token-file", str(tokens)], None, tmp_path)
    home = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    try:
        upstream = address_of(program.url)[1]  # it is bound from here on
        port = free_port()
        argv = command(tmp_path, port, upstream)
        with (tmp_path / "proxy.log").open("w") as log:
            proxy = subprocess.Popen(argv, stdout=log, stderr=log, env=home)
        try:
            assert eventually(lambda: accepts(port) or proxy.poll()), (
                "the proxy accepts no connection"
            )
            assert proxy.poll() is None, (tmp_path / "proxy.log").read_text()
            yield program, port
        finally:
            proxy.terminate()
            proxy.wait(TIMEOUT_SECONDS)
    finally:
        program.end()


def accepts(port: int) -> bool:
    """Return whether a server listens on the port."""
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


class Tunnel(http.client.HTTPSConnection):
    """HTTPS to the proxy, whose name cannot be resolved and whose certificate is for localhost."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS)
        self.sock = secured(plain)


def secured(plain: socket.socket) -> ssl.SSLSocket:
    """Do a TLS handshake with the proxy, for the name of the site."""
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.check_hostname = False
    return context.wrap_socket(plain, server_hostname=NAME)


@contextlib.contextmanager
def answer(port: int, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """Send one request; ``Some_Header`` becomes ``Some-Header``."""
    connection = Tunnel(NAME, port, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request(
            "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        with connection.getresponse() as response:
            yield response


def test_browser_logs_in_and_gets_the_stream_through_the_proxy(
    proxied: tuple[Program, int], tmp_path: Path
) -> None:
    """The cookie is Secure, a forged X-Forwarded-For has no effect, and the proxy's logs have no token."""
    program, port = proxied
    with answer(port, "/", Accept="text/html") as page:
        assert (page.status, b'id="token"' in page.read()) == (401, True)
    with answer(port, f"/?token={TOKEN}&a=1") as login:
        assert (login.status, login.headers["Location"]) == (303, "./?a=1")
        cookie, *flags = login.headers["Set-Cookie"].split("; ")
        assert "Secure" in flags
    headers = {"Cookie": cookie, "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http"}
    headers["Origin"] = f"https://{NAME}:{port}"
    with secured(socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)) as sock:
        viewer = UnthreadedViewer(sock, f"wss://{NAME}:{port}/ws?every=1", headers)
        kinds = [viewer.read()["type"] for _ in range(4)]
        assert kinds == ["hello", "sample", "sample", "sample"]
        with answer(port, "/api/v1/clients", Authorization=f"Bearer {TOKEN}") as report:
            (client,) = json.loads(report.read())["clients"]
        assert (client["peer"], client["user"]) == ("127.0.0.1", "kitchen")
    for path in WITH_TOKEN:
        with answer(port, path, Cookie=cookie) as response:
            assert response.status in (200, 303, 400, 404), path
    with answer(port, f"/ws?token={TOKEN}", Cookie=cookie) as response:
        assert response.status == 426
    logs = [path.read_text() for path in tmp_path.glob("*.log")]
    assert logs
    assert TOKEN not in "".join(logs)
    assert get(program.url, "/healthz")[0] == 200


def test_no_token_is_logged_while_the_program_is_down(
    proxied: tuple[Program, int], tmp_path: Path
) -> None:
    """Then each request causes an error of the proxy, whose usual log line would have the URL."""
    program, port = proxied
    program.end()
    for path in (*WITH_TOKEN, "/api/v1/sample"):
        with answer(port, path) as response:
            assert response.status in (502, 503)
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "/api/v1/sample" in logs
    assert TOKEN not in logs


def test_json_lines_are_not_buffered(proxied: tuple[Program, int]) -> None:
    """The proxy passes on each line at once."""
    _, port = proxied
    with answer(port, "/api/v1/stream?sections=load", Authorization=f"Bearer {TOKEN}") as response:
        assert response.status == 200
        messages: list[dict[str, Any]] = [json.loads(response.readline()) for _ in range(5)]
    assert [message["type"] for message in messages][:2] == ["hello", "sample"]


def test_origin_of_another_site_is_refused_behind_the_proxy_too(
    proxied: tuple[Program, int],
) -> None:
    """So is the own origin without TLS."""
    _, port = proxied
    for origin in ("https://evil.example", f"http://{NAME}:{port}"):
        with answer(port, "/api/v1/clients", Origin=origin) as response:
            assert response.status == 403
