"""Login: tokens in headers and addresses, the login page, and the throttle."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.access import login as login_module
from telemetry_stream.access.cookie import LIFETIME_SECONDS
from telemetry_stream.access.credential import Credential
from telemetry_stream.access.login import CREDENTIAL, UNAUTHENTICATED, Login
from telemetry_stream.access.throttle import FREE_ATTEMPTS, Throttle
from telemetry_stream.access.tokens import Token
from telemetry_stream.net.answer import Answer, HTTPError

KITCHEN, OFFICE = Token("kitchen", "kitchen-kitchen-1"), Token("office", "office-office-123")
HTML = {"HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}


def request(path: str = "/", query: str = "", method: str = "GET", **more: Any) -> dict[str, Any]:
    """Return the environ of a request."""
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "http",
        **more,
    }


def bearer(value: str) -> dict[str, str]:
    """Return the header with which a script sends this token."""
    return {"HTTP_AUTHORIZATION": f"Bearer {value}"}


@pytest.fixture
def login() -> Login:
    """A login with two tokens."""
    login = Login()
    login.tokens = (KITCHEN, OFFICE)
    return login


def answer_to(login: Login, environ: dict[str, Any], port: int | None = 8750) -> Answer:
    """Return the answer to a request that is not accepted, and raises no error."""
    answer = login.maybe_answer(environ, port)
    assert answer is not None
    return answer


def log_in(login: Login, token: Token = KITCHEN, port: int | None = 8750, **more: Any) -> str:
    """Return the Cookie header of a browser that has logged in."""
    answer = answer_to(login, request(query=f"token={token.value}", **more), port)
    assert answer.status == "303 See Other"
    return dict(answer.headers)["Set-Cookie"].partition(";")[0]


def user(login: Login, environ: dict[str, Any], port: int | None = 8750) -> str | None:
    """Return the name of the token with which a request is accepted; None if it is not accepted."""
    try:
        if login.maybe_answer(environ, port) is not None:
            return None
    except HTTPError:
        return None
    credential: Credential = environ[CREDENTIAL]
    return credential.token.name


def test_without_tokens_every_request_is_accepted() -> None:
    """This is the case on loopback, and with --no-auth."""
    environ = request("/ws")
    assert Login().maybe_answer(environ, 8750) is None
    assert (environ[CREDENTIAL], environ[UNAUTHENTICATED]) == (None, False)


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/api/v1/sample", "/assets/x.js", "/metrics", "/healthz"]
)
def test_a_script_with_a_token_is_accepted(login: Login, path: str) -> None:
    """Any of the tokens is valid for any path. The case of the scheme does not matter."""
    assert user(login, request(path, **bearer(KITCHEN.value))) == "kitchen"
    header = {"HTTP_AUTHORIZATION": f"bearer  {OFFICE.value} "}
    assert user(login, request(path, **header)) == "office"


@pytest.mark.parametrize(
    "path", ["/ws", "/api/v1/sample", "/metrics", "/assets/x.js", "/", "/nothing", "/logout"]
)
def test_a_program_without_a_token_gets_json_and_a_challenge(login: Login, path: str) -> None:
    """Unknown paths are no exception. It does not count as an attempt."""
    with pytest.raises(HTTPError, match="An access token is required") as caught:
        login.maybe_answer(request(path), 8750)
    assert caught.value.status == "401 Unauthorized"
    assert caught.value.headers == (("WWW-Authenticate", "Bearer"),)
    assert login.throttle.failed == 0


@pytest.mark.parametrize(
    "headers",
    [
        bearer("wrong-wrong-wrong"), bearer(""), bearer(KITCHEN.value + "x"), bearer(KITCHEN.value[:-1]),
        bearer(f"{KITCHEN.value},{OFFICE.value}"), bearer("größe"),
    ],
)  # fmt: skip
def test_a_wrong_token_is_refused_and_counted(
    login: Login, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Also with a valid cookie, and where none is required. Neither the error nor the log contains the token."""
    cookie = log_in(login)
    for number, path in enumerate(("/api/v1/sample", "/healthz"), 1):
        with pytest.raises(HTTPError, match="Invalid token") as caught:
            login.maybe_answer(request(path, HTTP_COOKIE=cookie, **headers), 8750)
        assert caught.value.status == "401 Unauthorized"
        assert login.throttle.failed == number
        value = headers["HTTP_AUTHORIZATION"].partition(" ")[2]
        assert not value or value not in str(caught.value) + caplog.text
    assert caplog.text.count("Wrong token from 192.0.2.1, attempt 1") == 1  # once per minute


def test_other_authorization_schemes_are_ignored(login: Login) -> None:
    """A proxy in front may have a login of its own. The cookie is valid beside it."""
    basic = {"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz"}
    assert user(login, request(**basic)) is None
    assert user(login, request(HTTP_COOKIE=log_in(login), **basic)) == "kitchen"
    assert login.throttle.failed == 0


def test_a_browser_exchanges_the_token_for_a_cookie(
    login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    """It is redirected to the same address without the token. The log has the name of the token."""
    caplog.set_level(logging.INFO)
    query = f"view=wall&token={KITCHEN.value}&x=a%26b&tokens=1"
    answer = answer_to(login, request(query=query))
    headers = dict(answer.headers)
    assert answer.status == "303 See Other"
    assert headers["Location"] == "./?view=wall&x=a%26b&tokens=1"
    assert headers["Cache-Control"] == "no-store"
    cookie, *flags = headers["Set-Cookie"].split("; ")
    assert flags == ["Path=/", f"Max-Age={LIFETIME_SECONDS}", "HttpOnly", "SameSite=Strict"]
    assert re.fullmatch(
        rf"telemetry_stream_8750={KITCHEN.id}\.[0-9a-f]{{16}}\.\d+\.[0-9a-f]{{64}}", cookie
    )
    assert KITCHEN.value not in str(answer) + caplog.text
    assert "192.0.2.1 logged in with token kitchen" in caplog.text
    assert user(login, request("/ws", HTTP_COOKIE=f"a=b; {cookie}; c=d")) == "kitchen"


@pytest.mark.parametrize("query", ["%74oken={}", "token={}&token={}", "a=1&token=x&token={}"])
def test_the_redirect_never_contains_the_token(login: Login, query: str) -> None:
    """Also if the parameter's name is encoded, or if there are two."""
    answer = answer_to(login, request(query=query.format(*[OFFICE.value] * 2)))
    assert "oken" not in dict(answer.headers)["Location"]


def test_the_cookie_of_a_tls_server_is_secure(login: Login) -> None:
    """Also when it is deleted."""
    environ: dict[str, Any] = request(
        query=f"token={KITCHEN.value}", **{"wsgi.url_scheme": "https"}
    )
    answer = answer_to(login, environ, None)
    assert dict(answer.headers)["Set-Cookie"].endswith("; SameSite=Strict; Secure")
    assert all("; Secure" in cookie for cookie in deleted(login, environ))


def deleted(login: Login, environ: dict[str, Any]) -> list[str]:
    """Return the Set-Cookie headers of a log-out."""
    headers = login.log_out(environ).headers
    return [value for name, value in headers if name == "Set-Cookie"]


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_over_tls_the_cookie_can_be_for_frames_of_other_sites(scheme: str) -> None:
    """Without TLS, browsers would refuse such a cookie. A log-out deletes the cookies of both forms."""
    login = Login(in_frames=True)
    login.tokens = (KITCHEN,)
    environ: dict[str, Any] = request(query=f"token={KITCHEN.value}", **{"wsgi.url_scheme": scheme})
    cookie = dict(answer_to(login, environ).headers)["Set-Cookie"]
    strict, partitioned = "; SameSite=Strict", "; SameSite=None; Secure; Partitioned"
    if scheme == "https":
        assert cookie.endswith(partitioned)
        ends = [f"{strict}; Secure", partitioned]
    else:
        assert cookie.endswith(strict)
        ends = [strict]
    for found, end in zip(deleted(login, environ), ends, strict=True):
        assert found.startswith("telemetry_stream_8750=; Path=/; Max-Age=0;")
        assert found.endswith(end)


def test_a_wrong_token_in_the_address_gets_the_login_page(login: Login) -> None:
    """The page announces the error and does not contain the token. The attempt is counted."""
    answer = answer_to(login, request(query="token=wrong-wrong-wrong", **HTML))
    assert answer.status == "401 Unauthorized"
    assert b'<p role="alert">Invalid token.</p>' in answer.body
    assert b"wrong-" not in answer.body
    assert "Set-Cookie" not in dict(answer.headers)
    assert login.throttle.failed == 1


def test_a_browser_that_is_logged_in_needs_no_right_token_in_the_address(login: Login) -> None:
    """An old bookmark leads to the dashboard, however often it is opened, and is no attempt."""
    cookie = log_in(login)
    environ = request(query="kiosk=1&token=wrong-wrong-wrong", HTTP_COOKIE=cookie, **HTML)
    for _ in range(FREE_ATTEMPTS + 1):
        answer = answer_to(login, environ)
        assert answer.status == "303 See Other"
        assert answer.headers == (("Location", "./?kiosk=1"), ("Cache-Control", "no-store"))
    assert (login.throttle.failed, login.throttle.rejected) == (0, 0)
    login.tokens = (OFFICE,)  # the cookie has ended with its token
    assert answer_to(login, environ).status == "401 Unauthorized"
    assert login.throttle.failed == 1


def test_a_right_token_in_the_address_starts_a_new_login(login: Login) -> None:
    """Also with a valid cookie: the browser uses the token that its user has chosen."""
    cookie = log_in(login, OFFICE, HTTP_COOKIE=log_in(login))
    assert user(login, request(HTTP_COOKIE=cookie)) == "office"


def test_a_token_in_the_address_is_valid_at_the_root_only(login: Login) -> None:
    """The addresses of requests appear in the logs of proxies."""
    for path in ("/api/v1/sample", "/ws", "/index.html"):
        assert user(login, request(path, f"token={KITCHEN.value}")) is None


def test_a_browser_gets_the_login_page(login: Login) -> None:
    """The page has no attributes with scripts or styles, and is never cached. Its form leads to the root."""
    for path, form in (("/", "./"), ("/deep/link", "/")):
        answer = answer_to(login, request(path, **HTML))
        headers = dict(answer.headers)
        assert answer.status == "401 Unauthorized"
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        assert headers["WWW-Authenticate"] == "Bearer"
        page = answer.body.decode()
        assert "Enter your access token." in page
        assert not re.search(r"style=|\son\w+=|javascript:", page)
        assert f'<form action="{form}">' in page
        assert re.search(r'<input id="token" type="password"', page)
        assert '<label for="token">' in page


@pytest.mark.parametrize("path", ["/ws", "/api/v1/sample", "/metrics", "/login", "/logout"])
def test_paths_for_programs_answer_with_json(login: Login, path: str) -> None:
    """Also if the program accepts HTML, because some programs send the headers of a browser."""
    with pytest.raises(HTTPError, match="401"):
        login.maybe_answer(request(path, **HTML), 8750)
    with pytest.raises(HTTPError, match="401"):
        login.maybe_answer(request("/", method="POST", **HTML), 8750)


def test_a_browser_that_follows_a_link_from_another_site_requests_again(login: Login) -> None:
    """Browsers do not send a Strict cookie with that first request, but do so with one of our own page."""
    cross = {"HTTP_SEC_FETCH_SITE": "cross-site", **HTML}
    own = {**cross, "HTTP_SEC_FETCH_SITE": "same-origin"}
    for path in ("/", "/deep/link"):
        assert b" data-again>" in answer_to(login, request(path, **cross)).body
        assert b" data-again>" not in answer_to(login, request(path, **own)).body


def test_a_page_exchanges_the_token_for_a_cookie(
    login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    """It sends the token in a header. A cookie alone gives no new one: that login would never expire."""
    caplog.set_level(logging.INFO)
    environ = request("/login", method="POST", **bearer(KITCHEN.value))
    assert user(login, environ) == "kitchen"
    answer = login.log_in(environ)
    assert (answer.status, answer.body) == ("204 No Content", b"")
    headers = dict(answer.headers)
    assert headers["Cache-Control"] == "no-store"
    cookie = headers["Set-Cookie"].partition(";")[0]
    assert user(login, request("/ws", HTTP_COOKIE=cookie)) == "kitchen"
    assert "192.0.2.1 logged in with token kitchen" in caplog.text
    environ = request("/login", method="POST", HTTP_COOKIE=cookie)
    assert user(login, environ) == "kitchen"
    with pytest.raises(HTTPError, match="An access token is required"):
        login.log_in(environ)


def test_without_tokens_a_login_changes_nothing() -> None:
    """The token in the address is removed nevertheless, so that it stays in no history."""
    login = Login()
    environ = request("/login", method="POST", **bearer(KITCHEN.value))
    assert login.maybe_answer(environ, 8750) is None
    assert login.log_in(environ).headers == (("Cache-Control", "no-store"),)
    answer = answer_to(login, request(query=f"token={KITCHEN.value}&a=1"))
    assert answer.status == "303 See Other"
    assert answer.headers == (("Location", "./?a=1"), ("Cache-Control", "no-store"))
    assert login.maybe_answer(request("/api/v1/sample", f"token={KITCHEN.value}"), 8750) is None


def test_a_cookie_ends_with_its_token(login: Login) -> None:
    """A wrong or old cookie is no attempt with a token."""
    cookie = log_in(login)
    assert user(login, request(HTTP_COOKIE=cookie)) == "kitchen"
    login.tokens = (OFFICE,)
    assert user(login, request(HTTP_COOKIE=cookie)) is None
    assert login.throttle.failed == 0


def test_a_cookie_is_valid_at_its_port_only(login: Login) -> None:
    """Another program on the same host gets it, too."""
    cookie = log_in(login, port=8751)
    assert user(login, request(HTTP_COOKIE=cookie)) is None
    assert user(login, request(HTTP_COOKIE=cookie), 8751) == "kitchen"
    standard = log_in(login, port=None)
    assert user(login, request(HTTP_COOKIE=f"{cookie}; {standard}"), None) == "kitchen"


def test_an_address_with_many_wrong_tokens_must_wait(login: Login) -> None:
    """Only wrong tokens are refused with 429. The right one is accepted, from this address too, and so are cookies."""
    cookie = log_in(login)
    for _ in range(FREE_ATTEMPTS):
        assert user(login, request("/ws", **bearer("wrong-wrong-wrong"))) is None
    for environ in (
        request("/ws", **bearer(KITCHEN.value + "x")),
        request(query=f"token={KITCHEN.value[:-1]}"),
        request("/healthz", **bearer("wrong-wrong-wrong")),
    ):
        with pytest.raises(HTTPError, match="Too many wrong tokens; try again in 1 s") as caught:
            login.maybe_answer(environ, 8750)
        assert caught.value.status == "429 Too Many Requests"
        assert dict(caught.value.headers) == {"Retry-After": "1"}
    assert login.throttle.failed == FREE_ATTEMPTS
    assert login.throttle.rejected == 3
    assert user(login, request("/ws", HTTP_COOKIE=cookie)) == "kitchen"
    assert user(login, request("/ws", **bearer(KITCHEN.value))) == "kitchen"
    assert log_in(login).startswith("telemetry_stream_8750=")


def test_after_the_wait_a_wrong_token_is_a_401_again(login: Login) -> None:
    """As soon as the time in Retry-After has passed."""
    now = 0.0
    login.throttle = Throttle(lambda: now)
    wrong = bearer("wrong-wrong-wrong")
    for _ in range(FREE_ATTEMPTS):
        user(login, request(**wrong))
    with pytest.raises(HTTPError, match="429"):
        login.maybe_answer(request(**wrong), 8750)
    now += 1.0
    with pytest.raises(HTTPError, match="401"):
        login.maybe_answer(request(**wrong), 8750)


@pytest.mark.parametrize("mode", ["no-cors", "cors"])
def test_a_token_in_the_address_is_used_by_navigation_only(login: Login, mode: str) -> None:
    """An image on a page of another site would otherwise make attempts from the address of its reader."""
    image = {"HTTP_SEC_FETCH_MODE": mode}
    for value in ("wrong-wrong-wrong", KITCHEN.value):
        with pytest.raises(HTTPError, match="An access token is required"):
            login.maybe_answer(request(query=f"token={value}", **image), 8750)
    assert login.throttle.failed == 0
    opened: dict[str, Any] = {"HTTP_SEC_FETCH_MODE": "navigate"}
    assert answer_to(login, request(query="token=wrong-wrong", **opened)).status[:3] == "401"
    assert login.throttle.failed == 1
    assert log_in(login, **opened)


@pytest.mark.parametrize("in_frames", [False, True])
def test_a_frame_of_another_site_makes_no_attempts_unless_it_may_show_the_page(
    in_frames: bool,
) -> None:
    """Otherwise a page with six frames would make the address of its reader wait."""
    login = Login(in_frames=in_frames)
    login.tokens = (KITCHEN,)
    frame: dict[str, Any] = {
        "HTTP_SEC_FETCH_SITE": "cross-site",
        "HTTP_SEC_FETCH_MODE": "navigate",
        "HTTP_SEC_FETCH_DEST": "iframe",
        **HTML,
    }
    for value, status in (
        ("wrong-wrong-wrong", "401"),
        (KITCHEN.value, "303" if in_frames else "401"),
    ):
        assert answer_to(login, request(query=f"token={value}", **frame)).status[:3] == status
    assert login.throttle.failed == in_frames


def test_healthz_needs_no_token(login: Login) -> None:
    """The environ records whether the request has one."""
    environ = request("/healthz")
    assert login.maybe_answer(environ, 8750) is None
    assert environ[UNAUTHENTICATED]
    environ = request("/healthz", **bearer(KITCHEN.value))
    assert login.maybe_answer(environ, 8750) is None
    assert not environ[UNAUTHENTICATED]


def test_log_out_deletes_the_cookie(login: Login) -> None:
    """The deleted cookie has the same name."""
    cookie = log_in(login)
    environ = request("/logout", method="POST", HTTP_COOKIE=cookie)
    assert user(login, environ) == "kitchen"
    answer = login.log_out(environ)
    assert answer.status == "204 No Content"
    assert dict(answer.headers)["Set-Cookie"].startswith(
        "telemetry_stream_8750=; Path=/; Max-Age=0;"
    )


def test_a_login_that_was_logged_out_is_not_valid_any_more(login: Login) -> None:
    """A copy of its cookie is refused. Another login with the same token, and the token itself, stay valid."""
    first, second = log_in(login), log_in(login)
    environ = request("/logout", method="POST", HTTP_COOKIE=first)
    assert user(login, environ) == "kitchen"
    credential = environ[CREDENTIAL]
    assert login.is_valid(credential)
    login.log_out(environ)
    assert not login.is_valid(credential)
    assert user(login, request(HTTP_COOKIE=first)) is None
    assert user(login, request(HTTP_COOKIE=second)) == "kitchen"
    for both in (f"{first}; {second}", f"{second}; {first}"):
        assert user(login, request(HTTP_COOKIE=both)) == "kitchen"
    environ = request("/logout", method="POST", **bearer(KITCHEN.value))
    assert user(login, environ) == "kitchen"
    login.log_out(environ)
    assert user(login, request("/ws", **bearer(KITCHEN.value))) == "kitchen"


def test_the_number_of_remembered_logouts_is_limited(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest one is forgotten. Its browser has no cookie any more."""
    monkeypatch.setattr(login_module, "MAX_ENDED_LOGINS", 2)
    cookies = [log_in(login) for _ in range(3)]
    for cookie in cookies:
        environ = request("/logout", method="POST", HTTP_COOKIE=cookie)
        user(login, environ)
        login.log_out(environ)
    found = [user(login, request(HTTP_COOKIE=cookie)) for cookie in cookies]
    assert found == ["kitchen", None, None]


def test_a_login_expires(login: Login) -> None:
    """The credential of a viewer, too, although its connection is still open."""
    assert login.is_valid(Credential(KITCHEN, "a", time.time() + 60))
    assert not login.is_valid(Credential(KITCHEN, "a", time.time() - 1))
    assert login.is_valid(Credential(KITCHEN))
    assert not login.is_valid(Credential(Token("kitchen", "another-another-1")))


@given(st.text(), st.text(), st.text(), st.sampled_from(["/", "/ws", "/healthz", "/logout"]))
def test_no_input_is_accepted_without_a_token(
    authorization: str, cookie: str, query: str, path: str
) -> None:
    """And no input raises anything but HTTPError."""
    login = Login()
    login.tokens = (KITCHEN,)
    environ = request(
        path, query, HTTP_AUTHORIZATION=authorization, HTTP_COOKIE=f"telemetry_stream_1={cookie}"
    )
    try:
        answer = login.maybe_answer(environ, 1)
    except HTTPError:
        return
    assert isinstance(answer, Answer) or (path == "/healthz" and environ[UNAUTHENTICATED])
