"""Login: tokens in headers and addresses, cookies, the page, and who has to wait."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.access.login import COOKIE_SECONDS, STRANGER, USER, Login, log_out
from telemetry_stream.access.throttle import FREE_TRIES, Throttle
from telemetry_stream.access.tokens import Token
from telemetry_stream.net.answer import Answer, HTTPError

KITCHEN, OFFICE = Token("kitchen", "kitchen-kitchen-1"), Token("office", "office-office-123")
HTML = {"HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8"}


def request(path: str = "/", query: str = "", method: str = "GET", **more: Any) -> dict[str, Any]:
    """An environ."""
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "http",
        **more,
    }


def bearer(value: str) -> dict[str, str]:
    """The header of a script."""
    return {"HTTP_AUTHORIZATION": f"Bearer {value}"}


@pytest.fixture
def login() -> Login:
    """Two tokens."""
    return Login((KITCHEN, OFFICE))


def log_in(login: Login, token: Token = KITCHEN, port: int | None = 8750, **more: Any) -> str:
    """The cookie that a browser gets, as it sends it back."""
    answer = login.check(request(query=f"token={token.value}", **more), port)
    assert answer is not None
    assert answer.status == "303 See Other"
    return dict(answer.headers)["Set-Cookie"].partition(";")[0]


def user(login: Login, environ: dict[str, Any], port: int | None = 8750) -> str | None:
    """Who is let in; None for nobody."""
    try:
        if login.check(environ, port) is not None:
            return None
    except HTTPError:
        return None
    token: Token = environ[USER]
    return token.name


def test_without_tokens_everybody_is_let_in() -> None:
    """On loopback, and with --no-auth."""
    environ = request("/ws")
    assert Login().check(environ, 8750) is None
    assert (environ[USER], environ[STRANGER]) == (None, False)


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/api/v1/sample", "/assets/x.js", "/metrics", "/healthz"]
)
def test_scripts_show_a_token(login: Login, path: str) -> None:
    """Either one, everywhere; the scheme's case does not matter."""
    assert user(login, request(path, **bearer(KITCHEN.value))) == "kitchen"
    header = {"HTTP_AUTHORIZATION": f"bearer  {OFFICE.value} "}
    assert user(login, request(path, **header)) == "office"


@pytest.mark.parametrize(
    "path", ["/ws", "/api/v1/sample", "/metrics", "/assets/x.js", "/", "/nothing", "/logout"]
)
def test_programs_without_one_get_json_and_a_challenge(login: Login, path: str) -> None:
    """The guard stands in front of every route, those included that are none."""
    with pytest.raises(HTTPError) as caught:
        login.check(request(path), 8750)
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
    """Also where nothing would have been needed, or where a cookie is right; and nothing of it is told."""
    cookie = log_in(login)
    for number, path in enumerate(("/api/v1/sample", "/healthz"), 1):
        with pytest.raises(HTTPError, match="401") as caught:
            login.check(request(path, HTTP_COOKIE=cookie, **headers), 8750)
        assert login.throttle.failed == number
        shown = headers["HTTP_AUTHORIZATION"].partition(" ")[2]
        assert not shown or shown not in str(caught.value) + caplog.text
    assert caplog.text.count("wrong token from 192.0.2.1, try 1") == 1  # once a minute


def test_other_schemes_are_none_of_ours(login: Login) -> None:
    """A proxy in front may have a login of its own; the cookie counts beside it."""
    basic = {"HTTP_AUTHORIZATION": "Basic dXNlcjpwYXNz"}
    assert user(login, request(**basic)) is None
    assert user(login, request(HTTP_COOKIE=log_in(login), **basic)) == "kitchen"
    assert login.throttle.failed == 0


def test_a_browser_trades_the_token_for_a_cookie(
    login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    """And is led to the same address without it; the log names the token's name."""
    caplog.set_level(logging.INFO)
    query = f"view=wall&token={KITCHEN.value}&x=a%26b&tokens=1"
    answer = login.check(request(query=query), 8750)
    assert answer is not None
    headers = dict(answer.headers)
    assert answer.status == "303 See Other"
    assert headers["Location"] == "./?view=wall&x=a%26b&tokens=1"
    assert headers["Cache-Control"] == "no-store"
    cookie, *flags = headers["Set-Cookie"].split("; ")
    assert flags == ["Path=/", f"Max-Age={COOKIE_SECONDS}", "HttpOnly", "SameSite=Strict"]
    assert re.fullmatch(r"telemetry_stream_8750=kitchen\.\d+\.[0-9a-f]{64}", cookie)
    assert KITCHEN.value not in str(answer) + caplog.text
    assert "192.0.2.1 has logged in with kitchen" in caplog.text
    assert user(login, request("/ws", HTTP_COOKIE=f"a=b; {cookie}; c=d")) == "kitchen"


@pytest.mark.parametrize("query", ["%74oken={}", "token={}&token={}", "a=1&token=x&token={}"])
def test_however_the_parameter_is_spelled_it_is_not_led_on(login: Login, query: str) -> None:
    """Encoded or twice."""
    answer = login.check(request(query=query.format(*[OFFICE.value] * 2)), 8750)
    assert answer is not None
    assert "oken" not in dict(answer.headers)["Location"]


def test_over_tls_the_cookie_stays_there(login: Login) -> None:
    """Secure, also when it is taken away."""
    environ = request(query=f"token={KITCHEN.value}", **{"wsgi.url_scheme": "https"})
    answer = login.check(environ, None)
    assert answer is not None
    assert dict(answer.headers)["Set-Cookie"].endswith("; SameSite=Strict; Secure")
    assert dict(log_out(environ).headers)["Set-Cookie"].endswith("; Secure")


def test_a_wrong_token_in_the_address_gets_the_page(login: Login) -> None:
    """Which says so, without it; it is counted."""
    answer = login.check(request(query="token=wrong-wrong-wrong", **HTML), 8750)
    assert answer is not None
    assert answer.status == "401 Unauthorized"
    assert b'role="alert"' in answer.body
    assert b"wrong-" not in answer.body
    assert "Set-Cookie" not in dict(answer.headers)
    assert login.throttle.failed == 1


def test_a_token_counts_in_the_address_of_the_page_only(login: Login) -> None:
    """Addresses of requests get into logs of others."""
    for path in ("/api/v1/sample", "/ws", "/index.html"):
        assert user(login, request(path, f"token={KITCHEN.value}")) is None


def test_people_get_a_page(login: Login) -> None:
    """Plain, with no script and no style attribute, never kept; the form leads to /?token=, behind a prefix too."""
    for path, form in (("/", "./"), ("/deep/link", "/")):
        answer = login.check(request(path, **HTML), 8750)
        assert answer is not None
        headers = dict(answer.headers)
        assert answer.status == "401 Unauthorized"
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        assert headers["WWW-Authenticate"] == "Bearer"
        assert "Refresh" not in headers
        page = answer.body.decode()
        assert not re.search(r"<script|style=|\son\w+=|javascript:", page)
        assert f'<form action="{form}" method="get">' in page
        assert re.search(r'<input id="token" name="token" type="password"', page)
        assert '<label for="token">' in page


@pytest.mark.parametrize("path", ["/ws", "/api/v1/sample", "/metrics", "/logout"])
def test_programs_that_accept_a_page_get_json(login: Login, path: str) -> None:
    """Some send a browser's headers."""
    with pytest.raises(HTTPError, match="401"):
        login.check(request(path, **HTML), 8750)
    with pytest.raises(HTTPError, match="401"):
        login.check(request("/", method="POST", **HTML), 8750)


def test_who_comes_by_a_link_from_another_site_is_asked_to_come_again(login: Login) -> None:
    """Browsers keep a Strict cookie to themselves on that first request, and only on that."""
    cross = {"HTTP_SEC_FETCH_SITE": "cross-site", **HTML}
    answer = login.check(request(**cross), 8750)
    assert answer is not None
    assert dict(answer.headers)["Refresh"] == "0"
    answer = login.check(request(**{**cross, "HTTP_SEC_FETCH_SITE": "same-origin"}), 8750)
    assert answer is not None
    assert "Refresh" not in dict(answer.headers)


def test_cookie_ends_with_its_token(login: Login) -> None:
    """Withdrawn, or replaced by another of the same name; the others' go on."""
    kitchen, office = log_in(login), log_in(login, OFFICE)
    login.tokens = (Token("kitchen", "another-another-1"), OFFICE)
    assert user(login, request(HTTP_COOKIE=kitchen)) is None
    assert user(login, request(HTTP_COOKIE=office)) == "office"
    login.tokens = (OFFICE,)
    assert user(login, request(HTTP_COOKIE=kitchen)) is None


def test_cookie_ends_in_time(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the browser thinks."""
    cookie, now = log_in(login), time.time()
    monkeypatch.setattr(time, "time", lambda: now + COOKIE_SECONDS - 10)
    assert user(login, request(HTTP_COOKIE=cookie)) == "kitchen"
    monkeypatch.setattr(time, "time", lambda: now + COOKIE_SECONDS + 10)
    assert user(login, request(HTTP_COOKIE=cookie)) is None


def test_no_part_of_a_cookie_can_be_changed(login: Login) -> None:
    """The signature covers name and time, and every digit of it counts. A wrong cookie is no wrong try."""
    name, _, value = log_in(login).partition("=")
    who, until, signature = value.split(".")
    for changed in (
        f"office.{until}.{signature}",
        f"{who}.{int(until) + 1}.{signature}",
        f"{who}.0{until}.{'0' * 64}",
        f"{who}.{until}.{signature[:-1]}{'1' if signature[-1] == '0' else '0'}",
        f"{who}.{until}.{signature[:-1]}",
        f"{who}.{until}",
        "",
    ):
        assert user(login, request(HTTP_COOKIE=f"{name}={changed}")) is None
    assert login.throttle.failed == 0


def test_another_program_on_this_host_has_its_own_cookie(login: Login) -> None:
    """Browsers send a cookie to every port."""
    cookie = log_in(login, port=8751)
    assert cookie.startswith("telemetry_stream_8751=")
    assert user(login, request(HTTP_COOKIE=cookie)) is None
    assert user(login, request(HTTP_COOKIE=cookie), 8751) == "kitchen"
    standard = log_in(login, port=None)
    assert standard.startswith("telemetry_stream_login=")
    assert user(login, request(HTTP_COOKIE=f"{cookie}; {standard}"), None) == "kitchen"


def test_an_old_cookie_beside_the_right_one_does_no_harm(login: Login) -> None:
    """Some browsers send both for a while; but nobody makes us check a thousand."""
    cookie = log_in(login)
    name = cookie.partition("=")[0]
    assert user(login, request(HTTP_COOKIE=f"{name}=old; {cookie}")) == "kitchen"
    many = f"{name}=x; " * 1000
    assert user(login, request(HTTP_COOKIE=many + cookie)) is None


def test_guessers_wait(login: Login) -> None:
    """After a few tries even the right token is not looked at; who has a cookie, or another address, is."""
    cookie = log_in(login)
    for _ in range(FREE_TRIES):
        assert user(login, request("/ws", **bearer("wrong-wrong-wrong"))) is None
    for environ in (
        request("/ws", **bearer(KITCHEN.value)),
        request(query=f"token={KITCHEN.value}"),
        request("/healthz", **bearer(KITCHEN.value)),
    ):
        with pytest.raises(HTTPError) as caught:
            login.check(environ, 8750)
        assert caught.value.status == "429 Too Many Requests"
        assert dict(caught.value.headers) == {"Retry-After": "1"}
    assert login.throttle.failed == FREE_TRIES
    assert login.throttle.slowed == 3
    assert user(login, request("/ws", HTTP_COOKIE=cookie)) == "kitchen"
    other = request("/ws", **bearer(KITCHEN.value))
    assert user(login, {**other, "REMOTE_ADDR": "192.0.2.2"}) == "kitchen"


def test_after_the_wait_the_right_token_is_let_in() -> None:
    """To the second that Retry-After has named."""
    now = 0.0
    login = Login((KITCHEN,), Throttle(lambda: now))
    for _ in range(FREE_TRIES):
        user(login, request(**bearer("wrong-wrong-wrong")))
    assert user(login, request(**bearer(KITCHEN.value))) is None
    now += 1.0
    assert user(login, request(**bearer(KITCHEN.value))) == "kitchen"


def test_a_stranger_may_ask_whether_all_is_well(login: Login) -> None:
    """And is marked as one."""
    environ = request("/healthz")
    assert login.check(environ, 8750) is None
    assert environ[STRANGER]
    environ = request("/healthz", **bearer(KITCHEN.value))
    assert login.check(environ, 8750) is None
    assert not environ[STRANGER]


def test_log_out_takes_the_cookie_away(login: Login) -> None:
    """By the name that it was given."""
    cookie = log_in(login)
    environ = request("/logout", method="POST", HTTP_COOKIE=cookie)
    assert user(login, environ) == "kitchen"
    answer = log_out(environ)
    assert answer.status == "204 No Content"
    assert dict(answer.headers)["Set-Cookie"].startswith(
        "telemetry_stream_8750=; Path=/; Max-Age=0;"
    )


@given(st.text(), st.text(), st.text(), st.sampled_from(["/", "/ws", "/healthz", "/logout"]))
def test_whatever_is_shown_nobody_gets_in_without_a_token(
    authorization: str, cookie: str, query: str, path: str
) -> None:
    """Nothing but an answer or an HTTPError comes of it."""
    login = Login((KITCHEN,))
    environ = request(
        path, query, HTTP_AUTHORIZATION=authorization, HTTP_COOKIE=f"telemetry_stream_1={cookie}"
    )
    try:
        answer = login.check(environ, 1)
    except HTTPError:
        return
    assert isinstance(answer, Answer) or (path == "/healthz" and environ[STRANGER])
