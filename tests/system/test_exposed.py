"""The whole program on an address that other hosts can reach: its first token, TLS, SIGHUP, and its limits."""

from __future__ import annotations

import http.client
import json
import os
import re
import resource
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.net.pairs import CERTIFICATE
from tests.system.conftest import StartProgram
from tests.system.program import Program
from tests.system.unthreaded import UnthreadedViewer
from tests.viewers import TIMEOUT_SECONDS, address_of, upgrade_request

FAST = ("--port", "0", "--interval", "0.1")
OTHER_CERTIFICATE = CERTIFICATE.parent / "other.pem"
KITCHEN, OFFICE = "kitchen-kitchen-1", "office-office-123"


def trusting(certificate: Path) -> ssl.SSLContext:
    """Return the context of a client that trusts only this certificate."""
    return ssl.create_default_context(cafile=certificate)


def ask(
    url: str, path: str, tls: ssl.SSLContext | None = None, method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send one request; return status, headers and body. ``Some_Header`` becomes ``Some-Header``."""
    _, port = address_of(url)
    connection = (
        http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        if tls is None
        else http.client.HTTPSConnection("localhost", port, timeout=TIMEOUT_SECONDS, context=tls)
    )
    with closing(connection):
        connection.request(
            method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.headers, response.read()


@contextmanager
def viewer(
    url: str, tls: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None
) -> Iterator[UnthreadedViewer]:
    """A viewer, whose connection is closed at the end."""
    _, port = address_of(url)
    sock = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
    if tls is not None:
        sock = tls.wrap_socket(sock, server_hostname="localhost")
    with sock:
        yield UnthreadedViewer(
            sock, f"{'ws' if tls is None else 'wss'}://localhost:{port}/ws", headers or {}
        )


def bearer(token: str) -> dict[str, str]:
    """Return the header with which a script sends a token."""
    return {"Authorization": f"Bearer {token}"}


def write_tokens(path: Path, *lines: str) -> str:
    """Write a token file that only its owner can read; return its path."""
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(0o600)
    return str(path)


# The first token.


def test_first_start_prints_a_login_url_and_later_starts_do_not(
    tmp_path: Path, start_program: StartProgram
) -> None:
    """Only the owner can read the saved token, the URL logs in, and the log does not have the token."""
    state = tmp_path / "state"
    where = {"XDG_STATE_HOME": str(state)}
    program = start_program("--host", "0.0.0.0", *FAST, "--log-level", "debug", environment=where)
    url = program.url
    found = re.search(r"Open http://\S+:(\d+)/#token=(\S+) \(shown once\)$", program.read_line())
    assert found
    assert int(found[1]) == address_of(url)[1]
    path = state / "telemetry_stream/token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text() == f"{found[2]}\n"
    assert ask(url, "/api/v1/clients")[0] == 401
    status, headers, _ = ask(url, "/login", None, "POST", **bearer(found[2]))
    assert status == 204
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert ask(url, "/api/v1/clients", Cookie=cookie)[0] == 200
    with viewer(url, headers=bearer(found[2])) as connection:
        assert connection.read()["type"] == "hello"
    assert ask(url, "/api/v1/clients", None, **bearer(found[2] + "x"))[0] == 401
    assert program.stop() == 0
    assert found[2] not in program.log
    again = start_program("--host", "0.0.0.0", *FAST, environment=where)
    assert ask(again.url, "/api/v1/clients", None, **bearer(found[2]))[0] == 200
    assert (
        ask(
            again.url,
            "/api/v1/clients",
            Cookie=cookie.replace(found[1], str(address_of(again.url)[1])),
        )[0]
        == 200
    )
    assert again.stop() == 0
    assert again.read_line() == f"Access token is in {path}"


def test_journal_gets_the_path_of_the_token_instead(
    tmp_path: Path, start_program: StartProgram
) -> None:
    """A journal keeps its lines for months."""
    script = (
        "import os, sys\nfrom telemetry_stream import cli\n"
        "there = os.fstat(1)\nos.environ['JOURNAL_STREAM'] = f'{there.st_dev}:{there.st_ino}'\n"
        "sys.exit(cli.main())\n"
    )
    program = start_program(
        "--host", "0.0.0.0", "--state-dir", str(tmp_path / "state"), *FAST, script=script
    )
    assert program.url
    line, token = program.read_line(), (tmp_path / "state/token").read_text().strip()
    assert line == f"Access token saved in {tmp_path / 'state/token'}"
    assert token not in line


def test_token_command_prints_a_line_for_a_token_file(
    tmp_path: Path, start_program: StartProgram
) -> None:
    """Its token is accepted."""
    command = [sys.executable, "-m", "telemetry_stream", "token", "kitchen"]
    line = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"kitchen [A-Za-z0-9_-]{32}\n", line)
    program = start_program("--token-file", write_tokens(tmp_path / "t", line.strip()), *FAST)
    assert ask(program.url, "/api/v1/clients", None, **bearer(line.split()[1]))[0] == 200


def test_token_from_the_environment(start_program: StartProgram) -> None:
    """Then it is needed on loopback too."""
    program = start_program(*FAST, environment={"TELEMETRY_STREAM_TOKEN": KITCHEN})
    assert ask(program.url, "/api/v1/clients")[0] == 401
    assert ask(program.url, "/api/v1/clients", None, **bearer(KITCHEN))[0] == 200


# TLS, and the files that SIGHUP reads again.


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A file with a certificate and its key, which a test can replace."""
    path = tmp_path / "pair.pem"
    path.write_bytes(CERTIFICATE.read_bytes())
    return path


def start_with_tls(start_program: StartProgram, pair: Path, *arguments: str) -> Program:
    """Start the program with this certificate."""
    return start_program(*FAST, "--tls-cert", str(pair), "--tls-key", str(pair), *arguments)


def test_everything_is_served_over_tls(pair: Path, start_program: StartProgram) -> None:
    """Pages and WebSockets, with TLS 1.3; nothing over plain HTTP, and HTTP/2 is not offered."""
    program = start_with_tls(start_program, pair)
    assert program.url.startswith("https://")
    tls = trusting(CERTIFICATE)
    tls.set_alpn_protocols(["h2", "http/1.1"])
    status, _, body = ask(program.url, "/healthz", tls)
    assert (status, json.loads(body)) == (200, {"status": "ok"})
    with viewer(program.url, tls) as one, viewer(program.url, tls) as two:
        assert one.read()["type"] == two.read()["type"] == "hello"
        for connection in (one, two):
            numbers = [connection.read()["seq"] for _ in range(5)]
            assert numbers == list(range(numbers[0], numbers[0] + 5))
        assert isinstance(one.sock, ssl.SSLSocket)
        assert one.sock.version() == "TLSv1.3"
    with socket.create_connection(address_of(program.url), TIMEOUT_SECONDS) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in plain.recv(100)
    assert program.stop() == 0
    assert "Traceback" not in program.log


def test_stop_sends_close_frames_over_tls(pair: Path, start_program: StartProgram) -> None:
    """1001, as without TLS."""
    program = start_with_tls(start_program, pair)
    with viewer(program.url, trusting(CERTIFICATE)) as connection:
        assert connection.read()["type"] == "hello"
        assert program.stop() == 0
        assert connection.close_code() == 1001


def test_sighup_loads_new_tokens_and_a_new_certificate(
    pair: Path, tmp_path: Path, start_program: StartProgram
) -> None:
    """Only viewers with a revoked token are ended. Others miss no sample; new connections get the new certificate."""
    path = tmp_path / "tokens"
    tokens = write_tokens(path, f"kitchen {KITCHEN}", f"office {OFFICE}")
    program = start_with_tls(start_program, pair, "--token-file", tokens)
    old, new = trusting(CERTIFICATE), trusting(OTHER_CERTIFICATE)
    with (
        viewer(program.url, old, bearer(KITCHEN)) as revoked,
        viewer(program.url, old, bearer(OFFICE)) as staying,
    ):
        assert revoked.read()["type"] == staying.read()["type"] == "hello"
        first = staying.read()["seq"]
        write_tokens(path, f"office {OFFICE}")
        pair.write_bytes(OTHER_CERTIFICATE.read_bytes())
        program.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: "Certificate reloaded" in program.log)
        assert revoked.close_code() == 1008
        assert ask(program.url, "/healthz", new, **bearer(OFFICE))[0] == 200
        assert ask(program.url, "/healthz", new, **bearer(KITCHEN))[0] == 401
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(program.url, "/healthz", old)
        with viewer(program.url, new, bearer(OFFICE)) as late:
            last = late.read()["seq"]
            numbers = [first]
            while numbers[-1] <= last:
                numbers.append(staying.read()["seq"])
            assert numbers == list(range(first, last + 2))
    assert program.stop() == 0
    assert KITCHEN not in program.log
    assert OFFICE not in program.log


def test_bad_file_at_sighup_keeps_the_previous_one(
    pair: Path, tmp_path: Path, start_program: StartProgram
) -> None:
    """There is one line in the log for each file, and the old token and certificate still work."""
    path = tmp_path / "tokens"
    program = start_with_tls(
        start_program, pair, "--token-file", write_tokens(path, f"kitchen {KITCHEN}")
    )
    assert program.url
    pair.write_text("half a certi")
    path.write_text("kitchen half\n")
    program.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: "keeping the previous certificate" in program.log), program.log
    lines = [line for line in program.log.splitlines() if "Reload failed" in line]
    assert len(lines) == 2
    status, *_ = ask(program.url, "/api/v1/clients", trusting(CERTIFICATE), **bearer(KITCHEN))
    assert status == 200


def test_sighup_without_files_to_read_changes_nothing(start_program: StartProgram) -> None:
    """By default SIGHUP would end the process."""
    program = start_program(*FAST)
    with viewer(program.url) as connection:
        assert connection.read()["type"] == "hello"
        program.process.send_signal(signal.SIGHUP)
        assert [connection.read()["type"] for _ in range(3)] == ["sample"] * 3
    assert program.stop() == 0


# Limits.


def test_limits_are_those_of_the_settings(start_program: StartProgram) -> None:
    """Viewers per address behind a trusted proxy, bytes of a head, requests per connection, messages."""
    program = start_program(
        *FAST,
        *("--trust-proxy", "loopback", "--max-viewers-per-address", "1"),
        *("--max-head-bytes", "2000", "--max-requests-per-connection", "2"),
        *("--max-message-bytes", "200", "--max-messages-per-second", "5"),
    )
    port = address_of(program.url)[1]
    with viewer(program.url, headers={"X-Forwarded-For": "192.0.2.1"}) as connection:
        assert connection.read()["type"] == "hello"
        stream = "/api/v1/stream"
        assert ask(program.url, stream, X_Forwarded_For="192.0.2.1")[0] == 429
        clients = json.loads(ask(program.url, "/api/v1/clients")[2])["clients"]
        assert [client["peer"] for client in clients] == ["192.0.2.1"]
        connection.send("x" * 201)
        assert connection.close_code() == 1009
    with viewer(program.url) as connection:
        # In one segment, which the server reads at once. 20 would be too many by default as well.
        for _ in range(15):
            connection.protocol.send_text(b"x")
        connection.sock.sendall(b"".join(connection.protocol.data_to_send()))
        assert connection.close_code() == 1008
    assert ask(program.url, "/healthz", X_Filler="x" * 10_000)[0] == 431
    with closing(http.client.HTTPConnection("127.0.0.1", port, TIMEOUT_SECONDS)) as connection:
        for expected in (None, "close"):
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            assert (response.read(), response.headers["Connection"]) == (
                b'{"status":"ok"}',
                expected,
            )


def test_timeout_of_a_head_is_that_of_the_settings(start_program: StartProgram) -> None:
    """An incomplete head is then answered 408."""
    program = start_program(*FAST, "--head-seconds", "1")
    began = time.monotonic()
    with socket.create_connection(address_of(program.url), TIMEOUT_SECONDS) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")
    assert 0.9 < time.monotonic() - began < 9


def test_spare_connections_are_limited(start_program: StartProgram) -> None:
    """One for a viewer and eight others; the tenth connection is answered 503."""
    program = start_program(*FAST, "--max-viewers", "1", "--spare-connections", "8")
    address = address_of(program.url)
    idle = [socket.create_connection(address, TIMEOUT_SECONDS) for _ in range(9)]
    try:
        with socket.create_connection(address, TIMEOUT_SECONDS) as refused:
            assert refused.recv(100).startswith(b"HTTP/1.1 503")
    finally:
        for sock in idle:
            sock.close()


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, HARD))
from telemetry_stream import cli
sys.exit(cli.main())
"""


def test_descriptor_limit_is_raised_for_the_viewers(start_program: StartProgram) -> None:
    """As far as the hard limit allows; one line in the log if that is not enough."""
    enough = start_program(*FAST, script=LIMITED.replace("SOFT", "256").replace("HARD", "4096"))
    short = start_program(*FAST, script=LIMITED.replace("SOFT", "256").replace("HARD", "512"))
    for program, limit in ((enough, 1000 + 64 + 1792), (short, 512)):
        assert program.url
        assert resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)[0] == limit
    assert "descriptors" not in enough.log
    (line,) = (line for line in short.log.splitlines() if "descriptors" in line)
    assert (
        "1064 connections may need 2856 descriptors, but the limit of this process is 512" in line
    )


def test_without_descriptors_only_what_needs_one_fails(start_program: StartProgram) -> None:
    """The first frame for a crowd and the first page load modules. Neither ends a thread or the program."""
    program = start_program(*FAST)
    address, pid = address_of(program.url), program.process.pid
    with ExitStack() as stack:
        browser, *viewers = (
            stack.enter_context(socket.create_connection(address, TIMEOUT_SECONDS))
            for _ in range(1 + 40)
        )
        assert eventually(lambda: program.held_for_clients()[0] == 1 + 40)
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        taken = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
        lowest = min(set(range(len(taken) + 1)) - taken)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest, hard))
        for sock in viewers:
            sock.sendall(upgrade_request())
        assert eventually(lambda: "io_uring is unavailable" in program.log)
        browser.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert browser.recv(12) == b"HTTP/1.1 500"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert ask(program.url, "/")[0] == 200
        assert program.held_for_clients()[0] >= 2 * len(viewers)
    assert "io_uring is unavailable: [Errno 24]" in program.log
    assert "crashed" not in program.log
    assert program.stop() == 0


def test_hosts_origins_and_frame_ancestors_are_those_of_the_settings(
    start_program: StartProgram,
) -> None:
    """Hosts and origins that are not configured are refused."""
    program = start_program(
        *FAST,
        *("--allow-host", "metrics.example,board.example"),
        *("--allow-origin", "https://home.example"),
        *("--frame-ancestors", "'self' https://home.example"),
    )
    port = address_of(program.url)[1]
    assert ask(program.url, "/healthz", Host=f"board.example:{port}")[0] == 200
    assert ask(program.url, "/healthz", Host="other.example")[0] == 403
    status, headers, _ = ask(program.url, "/api/v1/clients", Origin="https://home.example")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://home.example")
    assert headers["Content-Security-Policy"].endswith(
        "frame-ancestors 'self' https://home.example"
    )
    assert ask(program.url, "/api/v1/clients", Origin="https://evil.example")[0] == 403


def test_program_does_not_start_if_no_token_can_be_saved(start_program: StartProgram) -> None:
    """One line with the possible solutions, and status 2; with --no-auth it starts."""
    program = start_program("--host", "0.0.0.0", "--state-dir", "/proc/none", *FAST)
    assert program.status() == 2
    assert len(program.log.splitlines()) == 1
    assert "--no-auth" in program.log
    open_to_all = start_program("--host", "0.0.0.0", "--no-auth", *FAST)
    assert ask(open_to_all.url, "/api/v1/clients")[0] == 200
    assert os.path.exists("/proc/none") is False
