"""The whole service with tokens: every route, both kinds of viewer, and the headers of every response."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection

from telemetry_stream.access import cookie
from telemetry_stream.access.access import Access
from telemetry_stream.access.forwarded import Proxies
from telemetry_stream.access.login import Login
from telemetry_stream.access.policy import security_headers
from telemetry_stream.access.tokens import Token
from telemetry_stream.net.address import PerAddress
from telemetry_stream.server import viewers
from telemetry_stream.websocket.quota import Allowance
from tests.conftest import eventually
from tests.net.pairs import read_to_end
from tests.server.service import Service, message
from tests.server.test_routes import ROUTES, UPGRADE
from tests.viewers import bare_socket

KITCHEN, OFFICE = Token("kitchen", "kitchen-kitchen-1"), Token("office", "office-office-123")
BEARER = {"Authorization": f"Bearer {KITCHEN.value}"}
PROXIED = Access(("box",), proxies=Proxies(("loopback",)))


def read_to_close(viewer: ClientConnection) -> list[str]:
    """Return the types of all messages until the connection is closed."""
    types = []
    try:
        while True:
            types.append(message(viewer)["type"])
    except ConnectionClosedError:
        return types


def cookie_of(service: Service, token: Token, seconds: float = cookie.LIFETIME_SECONDS) -> str:
    """Return the Cookie header of a browser that has logged in, for a login that is valid for these seconds."""
    begun = math.ceil(time.time() + seconds) - cookie.LIFETIME_SECONDS
    value = cookie.value_for(token, begun)
    # A Host without a port has another cookie.
    return "; ".join(f"{cookie.name_for(port)}={value}" for port in (None, service.address[1]))


@pytest.fixture
def login() -> Login:
    """A login with two tokens."""
    login = Login()
    login.tokens = (KITCHEN, OFFICE)
    return login


@pytest.fixture
def service(login: Login, tmp_path: Path) -> Iterator[Service]:
    """A service that requires one of them, with a dashboard."""
    (tmp_path / "index.html").write_text("<title>dashboard</title>")
    access = Access(("box",), login=login, origins=("https://home.example",))

    with Service(access=access, static_root=str(tmp_path)) as service:
        service.publish()
        yield service


@pytest.mark.parametrize("path", [*ROUTES, "/", "/nothing", "/index.html"])
def test_an_unauthenticated_client_gets_nothing(service: Service, path: str) -> None:
    """No route, no file, no WebSocket. The answer does not reveal whether the path exists."""
    answer = service.ask(path, **UPGRADE)
    if path == "/healthz":
        assert (answer.status, answer.json) == (200, {"status": "ok"})
        return
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "token" in answer.json["error"]
    assert service.hub.stats().registered == 0


@pytest.mark.parametrize(
    "path", ["/api/v1/sample", "/api/v1/history", "/api/v1/clients", "/healthz", "/"]
)
def test_a_script_with_a_token_is_served(service: Service, path: str) -> None:
    """It sends the token as Bearer."""
    assert service.ask(path, **BEARER).status == 200


def test_a_browser_logs_in_and_out(service: Service) -> None:
    """It opens the address with the token, gets the cookie, the page and the stream, and logs out."""
    first = service.ask(f"/?token={KITCHEN.value}&theme=dark")
    assert (first.status, first.headers["Location"]) == (303, "./?theme=dark")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    page = service.ask("/?theme=dark", Cookie=cookie)
    assert (page.status, page.body) == (200, b"<title>dashboard</title>")
    headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{service.address[1]}"}
    with service.viewer(additional_headers=headers) as viewer:
        assert message(viewer)["user"] == "kitchen"
        assert service.ask("/api/v1/clients", **BEARER).json["clients"][0]["user"] == "kitchen"
    out = service.ask("/logout", "POST", Cookie=cookie)
    assert (out.status, out.body) == (204, b"")
    assert "Max-Age=0" in out.headers["Set-Cookie"]


def test_a_page_logs_in_with_a_header(service: Service) -> None:
    """The token is in no address. A page of another site cannot log a browser in."""
    own = {"Origin": f"http://127.0.0.1:{service.address[1]}", **BEARER}
    answer = service.ask("/login", "POST", **own)
    assert (answer.status, answer.body) == (204, b"")
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    assert service.ask("/api/v1/sample", Cookie=cookie).status == 200
    assert service.ask("/login", "POST", Cookie=cookie).status == 401
    assert service.ask("/login", "POST").status == 401
    assert service.ask("/login", "POST", Authorization="Bearer wrong").status == 401
    assert service.ask("/login", "POST", Origin="https://evil.com", **BEARER).status == 403
    assert service.ask("/login", **BEARER).headers["Allow"] == "POST"


def test_only_a_post_of_our_own_page_logs_out(service: Service) -> None:
    """No link, image or prefetch, and no form of another site."""
    assert service.ask("/logout", **BEARER).status == 405
    assert service.ask("/logout", **BEARER).headers["Allow"] == "POST"
    assert service.ask("/logout", "POST", Origin="https://evil.com", **BEARER).status == 403
    assert service.ask("/logout", "POST").status == 401


def test_healthz_gives_the_reason_to_authenticated_clients_only(service: Service) -> None:
    """Others get the status."""
    service.problem = "the hub does not move"
    answer = service.ask("/healthz")
    assert (answer.status, answer.json) == (503, {"error": "Not healthy"})
    assert service.ask("/healthz", **BEARER).json == {"error": "the hub does not move"}


def test_a_revoked_token_ends_its_viewers_and_no_others(service: Service, login: Login) -> None:
    """A WebSocket gets 1008, and JSON lines end. The viewer with the other token stays connected."""
    office = {"Authorization": f"Bearer {OFFICE.value}"}
    request = f"GET /api/v1/stream HTTP/1.1\r\nHost: box\r\nAuthorization: {BEARER['Authorization']}\r\n\r\n"
    with (
        service.viewer(additional_headers=BEARER) as going,
        service.viewer(additional_headers=office) as staying,
        socket.create_connection(service.address, 10) as lines,
    ):
        lines.sendall(request.encode())
        assert [message(viewer)["user"] for viewer in (going, staying)] == ["kitchen", "office"]
        assert message(going)["type"] == "sample"  # else its end may come first
        assert eventually(lambda: len(service.report()) == 3)
        login.tokens = (OFFICE,)
        service.viewers.close_revoked()
        assert read_to_close(going) == []
        assert (going.close_code, going.close_reason) == (1008, "policy")
        assert read_to_end(lines).startswith(b"HTTP/1.1 200 OK")
        service.publish()
        assert [message(staying)["seq"] for _ in range(2)] == [1, 2]
        assert service.ask("/ws", **UPGRADE, **BEARER).status == 401


def test_logging_out_ends_the_other_tabs_of_the_browser(service: Service) -> None:
    """Not those of another browser with the same token, and not a script."""
    mine, other = ({"Cookie": cookie_of(service, KITCHEN)} for _ in range(2))
    with (
        service.viewer(additional_headers=mine) as tab,
        service.viewer(additional_headers=other) as another,
        service.viewer(additional_headers=BEARER) as script,
    ):
        viewers = (tab, another, script)
        assert [message(viewer)["type"] for viewer in viewers] == ["hello"] * 3
        assert message(tab)["type"] == "sample"  # else its end may come first
        assert service.ask("/logout", "POST", **mine).status == 204
        assert read_to_close(tab) == []
        assert (tab.close_code, tab.close_reason) == (1008, "policy")
        service.publish()
        for viewer in (another, script):
            assert [message(viewer)["seq"] for _ in range(2)] == [1, 2]
    assert service.ask("/api/v1/sample", **mine).status == 401
    assert service.ask("/api/v1/sample", **other).status == 200


def test_a_stream_ends_when_its_login_expires(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A WebSocket gets 1008, and JSON lines end. Their login ends a minute before the cookie."""
    expiry = viewers._expiry
    monkeypatch.setattr(viewers, "_expiry", lambda viewer: expiry(viewer) - 60)
    headers = {"Cookie": cookie_of(service, KITCHEN, seconds=60)}
    request = f"GET /api/v1/stream HTTP/1.1\r\nHost: box\r\nCookie: {headers['Cookie']}\r\n\r\n"
    with (
        service.viewer(additional_headers=headers) as viewer,
        socket.create_connection(service.address, 10) as lines,
    ):
        lines.sendall(request.encode())
        assert read_to_close(viewer) in ([], ["hello"], ["hello", "sample"])
        assert (viewer.close_code, viewer.close_reason) == (1008, "policy")
        assert read_to_end(lines).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("end", ["token", "login"])
def test_a_history_that_is_being_sent_ends_with_its_token_or_login(
    service: Service, login: Login, end: str
) -> None:
    """The client has read only a part of it. The answer is incomplete, as the missing last chunk shows."""
    cookie = cookie_of(service, KITCHEN)
    service.publish(200, pad=100_000)
    request = f"GET /api/v1/history HTTP/1.1\r\nHost: box\r\nCookie: {cookie}\r\n\r\n"
    with bare_socket(f"http://127.0.0.1:{service.address[1]}", request.encode()) as client:
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        if end == "token":
            login.tokens = (OFFICE,)
        else:
            assert service.ask("/logout", "POST", Cookie=cookie).status == 204
        got = read_to_end(client)
    assert len(got) < 10_000_000
    assert not got.endswith(b"0\r\n\r\n")


def test_a_token_that_is_revoked_during_the_handshake_ends_the_viewer(
    service: Service, login: Login
) -> None:
    """The reload comes after the request was accepted, and before the viewer has joined."""

    def reload() -> bool:
        login.tokens = (OFFICE,)
        service.viewers.close_revoked()  # does not find this viewer
        return False

    service.demand.on_want = reload
    with service.viewer(additional_headers=BEARER) as viewer:
        assert read_to_close(viewer) in ([], ["hello"], ["hello", "sample"])
        assert viewer.close_code == 1008


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/api/v1/sample", "/healthz", "/logout", "/?token=wrong", "/api/v1/stream"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize("headers", [{}, BEARER, {"Host": "evil.com"}, {"Content_Length": "x"}])
def test_every_response_has_the_security_headers(
    service: Service, path: str, method: str, headers: dict[str, str]
) -> None:
    """Pages, JSON, redirects, errors of the routes and of the HTTP parser, and streams."""
    with socket.create_connection(service.address, 10) as client:
        lines = {"Host": "box", **headers}
        head = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in lines.items())
        client.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
        got = b""
        while b"\r\n\r\n" not in got:
            got += client.recv(4096)
    answered = got.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    for name, value in security_headers():
        assert answered.count(f"{name}: {value}") == 1


def test_a_page_of_a_configured_origin_may_read_errors_too(service: Service) -> None:
    """Errors have CORS headers and Vary as well."""
    origin = {"Origin": "https://home.example"}
    for path, headers, status in (
        ("/api/v1/sample", BEARER, 200),
        ("/api/v1/sample", {}, 401),
        ("/api/v1/sample?x=1", BEARER, 400),
        ("/", BEARER, 200),
    ):
        answer = service.ask(path, **origin, **headers)
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == "https://home.example"
        assert "Origin" in answer.headers.get_all("Vary", [])
    preflight = {"Access_Control_Request_Method": "GET", **origin}
    answer = service.ask("/api/v1/sample", "OPTIONS", **preflight)
    assert (answer.status, answer.body) == (204, b"")
    assert service.ask("/api/v1/sample", **BEARER).headers["Access-Control-Allow-Origin"] is None


def test_viewers_of_one_address_are_limited() -> None:
    """The address is that in the headers of the trusted proxy. Other addresses are accepted."""
    with Service(access=PROXIED, viewers_per_address=PerAddress(1)) as service:
        mine, other = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "192.0.2.2"}
        with service.viewer(additional_headers=mine) as viewer:
            assert message(viewer)["type"] == "hello"
            refused = service.ask("/ws", X_Forwarded_For="192.0.2.1", **UPGRADE)
            assert refused.status == 429
            assert refused.headers["Retry-After"] == "10"
            assert refused.json == {"error": "Limit of 1 viewers per address reached"}
            assert service.viewers.refused == 1
            with service.viewer(additional_headers=other) as another:
                assert message(another)["type"] == "hello"
                peers = [entry["peer"] for entry in service.report()]
                assert peers == ["192.0.2.1", "192.0.2.2"]
        assert service.viewers.wait_until_gone(10)
        with service.viewer(additional_headers=mine) as viewer:
            assert message(viewer)["type"] == "hello"


def test_requests_in_progress_of_one_forwarded_address_are_limited() -> None:
    """Its slot is free again when the answer is written. Others, and clients without a proxy, have no such limit."""
    with Service(access=PROXIED, per_forwarded_address=PerAddress(1)) as service:
        service.publish(200, pad=100_000)
        url = f"http://127.0.0.1:{service.address[1]}"
        line = "GET /api/v1/history HTTP/1.1\r\nHost: box\r\nX-Forwarded-For: 192.0.2.1:443\r\n\r\n"
        mine, other = {"X_Forwarded_For": "192.0.2.1"}, {"X_Forwarded_For": "192.0.2.2"}
        with bare_socket(url, line.encode()) as slow:
            assert slow.recv(100).startswith(b"HTTP/1.1 200 OK")
            refused = service.ask("/healthz", **mine)
            assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
            assert refused.json == {"error": "Limit of 1 requests per address reached"}
            for headers in (other, {}, {"X_Forwarded_For": "127.0.0.1"}):
                assert service.ask("/healthz", **headers).status == 200
        assert eventually(lambda: service.ask("/healthz", **mine).status == 200)


def test_every_kind_of_answer_frees_the_slot_of_a_forwarded_address() -> None:
    """Complete, an error, a file, a viewer. A slot is freed a moment after the answer."""
    mine = {"X_Forwarded_For": "192.0.2.1"}
    slots = PerAddress(1)
    with Service(access=PROXIED, per_forwarded_address=slots) as service:
        service.publish(1)
        for path, status in (("/api/v1/sample", 200), ("/nothing", 404), ("/", 404), ("/ws", 426)):
            for _ in range(3):
                answer = service.ask(path, **mine)
                assert (answer.status, "Content-Length" in answer.headers) == (status, True)
                assert eventually(lambda: not slots._counts)
        for _ in range(3):
            with service.viewer(additional_headers={"X-Forwarded-For": "192.0.2.1"}) as viewer:
                assert message(viewer)["type"] == "hello"
                assert eventually(lambda: not slots._counts)
        assert service.ask("/healthz", **mine).status == 200


def test_a_client_sees_who_the_viewers_with_its_own_token_are(service: Service) -> None:
    """Of others it sees the counts, but neither the address nor the name of the token."""
    office = {"Authorization": f"Bearer {OFFICE.value}"}
    with service.viewer(additional_headers=BEARER) as first, ExitStack() as stack:
        assert message(first)["type"] == "hello"  # now it has joined
        second = stack.enter_context(service.viewer(additional_headers=office))
        assert message(second)["type"] == "hello"
        for headers, users in ((BEARER, ["kitchen", None]), (office, [None, "office"])):
            entries = service.ask("/api/v1/clients", **headers).json["clients"]
            assert [entry["user"] for entry in entries] == users
            assert [entry["peer"] is not None for entry in entries] == [
                u is not None for u in users
            ]
            assert [entry["id"] for entry in entries] == [1, 2]


def test_without_tokens_only_clients_on_this_host_see_who_the_viewers_are() -> None:
    """Other hosts have access with --no-auth, or through a proxy."""
    with Service(access=PROXIED) as service, service.viewer() as viewer:
        assert message(viewer)["type"] == "hello"
        for headers, is_shown in (({}, True), ({"X_Forwarded_For": "192.0.2.1"}, False)):
            (entry,) = service.ask("/api/v1/clients", **headers).json["clients"]
            assert (entry["peer"] is not None) is is_shown


def test_behind_a_proxy_with_tls_the_cookie_is_secure(login: Login) -> None:
    """The browser of the proxy's client must never send it in plain text."""
    access = Access(("box",), login=login, proxies=Proxies(("loopback",)))
    with Service(access=access) as service:
        answer = service.ask(f"/?token={KITCHEN.value}", X_Forwarded_Proto="https")
        assert answer.headers["Set-Cookie"].endswith("; Secure")
        assert not service.ask(f"/?token={KITCHEN.value}").headers["Set-Cookie"].endswith("Secure")


def test_the_allowance_of_a_viewer_can_be_changed() -> None:
    """A message longer than the default is accepted, and one that exceeds the new limit is not."""
    with Service(allowance=Allowance(1000, 50, 32_000)) as service, service.viewer() as viewer:
        viewer.send("x" * 1000)
        service.publish()
        assert [message(viewer)["type"] for _ in range(2)] == ["hello", "sample"]
        viewer.send("x" * 1001)
        assert read_to_close(viewer) == []
        assert viewer.close_code == 1009
