"""Guard: which tokens are valid for which settings, and what a reload changes."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.access.credential import Credential
from telemetry_stream.access.guard import Guard
from telemetry_stream.access.tokens import Token, TokenError
from telemetry_stream.net.answer import HTTPError

KITCHEN, OFFICE = Token("kitchen", "0123456789abcdef"), Token("office", "fedcba9876543210")


def guard_with(**settings: Any) -> Guard:
    """Return a guard with these settings, and without any other."""
    nothing: dict[str, Any] = {
        "token_file": "",
        "token": "",
        "state_dir": "/dev/null/nonexistent",
        "no_auth": False,
        "allowed_hosts": (),
        "allowed_origins": (),
        "trusted_proxies": (),
        "frame_ancestors": "'none'",
    }
    return Guard(**{**nothing, **settings})


def loaded(host: str = "127.0.0.1", **settings: Any) -> Guard:
    """Return a guard that has loaded its tokens to listen on this host."""
    guard = guard_with(**settings)
    guard.load(host)
    return guard


def write(path: Path, *tokens: Token) -> str:
    """Write a token file."""
    path.write_text("".join(f"{token.name} {token.value}\n" for token in tokens))
    path.chmod(0o600)
    return str(path)


def is_valid(guard: Guard, token: Token | None) -> bool:
    """Return whether a client with this token, or with none, is accepted."""
    return guard.access.is_valid(None if token is None else Credential(token))


def status(guard: Guard, **headers: str) -> str:
    """Return "accepted", or the status of the answer to a request with these headers."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/api/v1/sample",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "http",
        "telemetry_stream.headers": [],
        "HTTP_HOST": "localhost",
        **headers,
    }
    guard.access.identify(environ)
    try:
        answer = guard.access.maybe_answer(environ)
    except HTTPError as error:
        return error.status[:3]
    return "accepted" if answer is None else answer.status[:3]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_needs_no_token(host: str, tmp_path: Path) -> None:
    """A server on loopback creates no token."""
    guard = loaded(host, state_dir=str(tmp_path))
    assert status(guard) == "accepted"
    assert is_valid(guard, None)
    assert (guard.created_token, guard.token_path, os.listdir(tmp_path)) == (None, "", [])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "127.example.org", "board.local"])
def test_any_other_address_gets_a_token(host: str, tmp_path: Path) -> None:
    """The first start creates it, and the next one finds it. A name may stand for any address."""
    guard = loaded(host, state_dir=str(tmp_path))
    token = guard.created_token
    assert token is not None
    assert Path(guard.token_path).read_text() == f"{token.value}\n"
    assert status(guard) == "401"
    assert status(guard, HTTP_AUTHORIZATION=f"Bearer {token.value}") == "accepted"
    again = loaded(host, state_dir=str(tmp_path))
    assert (again.created_token, again.token_path) == (None, guard.token_path)
    assert is_valid(again, token)
    assert not is_valid(again, None)


def test_without_a_place_for_the_token_the_program_must_not_start() -> None:
    """The message is one line with the address, the directory, and every way out."""
    with pytest.raises(TokenError) as caught:
        loaded("192.0.2.1", state_dir="/proc/none")
    message = str(caught.value)
    for part in ("192.0.2.1", "/proc/none", "--token-file", "TELEMETRY_STREAM_TOKEN", "--no-auth"):
        assert part in message
    assert len(message.splitlines()) == 1


def test_no_auth_accepts_every_request(tmp_path: Path) -> None:
    """No token is created."""
    guard = loaded("0.0.0.0", no_auth=True, state_dir=str(tmp_path))
    assert status(guard) == "accepted"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_configured_tokens_are_required_on_every_address(host: str, tmp_path: Path) -> None:
    """Those of the file and that of the environment are valid together, and none is created."""
    guard = loaded(host, token_file=write(tmp_path / "t", KITCHEN), token=OFFICE.value)
    assert is_valid(guard, KITCHEN)
    assert is_valid(guard, Token("token", OFFICE.value))
    assert status(guard) == "401"
    assert (guard.created_token, guard.token_path) == (None, "")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/dev/null/nonexistent", "/dev/null/nonexistent cannot be read"),
        (os.devnull, "contains no token"),
    ],
)
def test_a_bad_token_file_is_an_error_at_the_start(path: str, message: str) -> None:
    """A file without tokens does not mean that everyone is accepted."""
    with pytest.raises(TokenError, match=message):
        loaded(token_file=path)


def test_names_origins_and_proxies_are_those_of_the_settings() -> None:
    """Beside the names of this host and its addresses."""
    guard = loaded(
        allowed_hosts=("board.example",),
        allowed_origins=("https://home.example",),
        trusted_proxies=("192.0.2.1",),
    )
    assert status(guard, HTTP_HOST=os.uname().nodename) == "accepted"
    assert status(guard, HTTP_HOST="board.example") == "accepted"
    assert status(guard, HTTP_HOST="other.example") == "403"
    assert status(guard, HTTP_ORIGIN="https://home.example") == "accepted"
    own = {"HTTP_ORIGIN": "https://localhost", "HTTP_X_FORWARDED_PROTO": "https"}
    assert status(guard, **own, REMOTE_PORT="5") == "accepted"
    assert status(guard, **{**own, "HTTP_ORIGIN": "http://localhost"}, REMOTE_PORT="5") == "403"


@pytest.mark.parametrize(
    ("ancestors", "in_frames"),
    [
        ("'none'", False),
        ("'self'", False),
        ("https://home.example", True),
        ("'self' https://*.a", True),
    ],
)
def test_the_cookie_is_for_frames_if_another_site_may_have_them(
    ancestors: str, in_frames: bool, tmp_path: Path
) -> None:
    """A frame of our own site gets a Strict cookie too."""
    guard = loaded(token_file=write(tmp_path / "t", KITCHEN), frame_ancestors=ancestors)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "QUERY_STRING": f"token={KITCHEN.value}",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": "https",
        "telemetry_stream.headers": [],
        "HTTP_HOST": "localhost",
    }
    answer = guard.access.maybe_answer(environ)
    assert answer is not None
    assert ("SameSite=None" in dict(answer.headers)["Set-Cookie"]) is in_frames


def test_reload_replaces_the_tokens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log has the names of the tokens, and no token."""
    caplog.set_level(logging.INFO)
    path = tmp_path / "tokens"
    guard = loaded(token_file=write(path, KITCHEN, OFFICE))
    write(path, OFFICE)
    guard.reload()
    assert not is_valid(guard, KITCHEN)
    assert is_valid(guard, OFFICE)
    assert not is_valid(guard, None)
    assert caplog.messages == ["Tokens reloaded: office"]


def test_a_failed_reload_keeps_the_previous_tokens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It writes one line into the log, if the file is malformed and if it is missing."""
    path = tmp_path / "tokens"
    guard = loaded(token_file=write(path, KITCHEN))
    path.write_text("kitchen\n")
    guard.reload()
    path.unlink()
    guard.reload()
    assert is_valid(guard, KITCHEN)
    assert not is_valid(guard, None)
    assert [message.partition(": /")[0] for message in caplog.messages] == [
        "Reload failed, keeping the previous tokens"
    ] * 2
    assert KITCHEN.value not in caplog.text


@pytest.mark.parametrize("content", ["", "# kitchen\n\n"])
def test_an_emptied_file_makes_every_token_invalid(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not mean that everyone is accepted, or that the previous tokens stay valid. A later reload ends that."""
    configured, saved = tmp_path / "tokens", tmp_path / "token"
    of_file = loaded(token_file=write(configured, KITCHEN))
    of_state = loaded("0.0.0.0", state_dir=str(tmp_path))
    for guard, path, token in (
        (of_file, configured, KITCHEN),
        (of_state, saved, of_state.created_token),
    ):
        caplog.clear()
        path.write_text(content)
        guard.reload()
        assert not is_valid(guard, token)
        assert not is_valid(guard, None)
        assert status(guard) == "401"
        assert caplog.messages == [f"{path} contains no token: every request is refused"]
        write(path, OFFICE)
        guard.reload()
        assert is_valid(guard, OFFICE)


def test_the_token_of_the_settings_stays_valid_beside_an_emptied_file(tmp_path: Path) -> None:
    """It cannot be changed while the program runs."""
    path = tmp_path / "tokens"
    guard = loaded(token_file=write(path, KITCHEN), token=OFFICE.value)
    path.write_text("")
    guard.reload()
    assert not is_valid(guard, KITCHEN)
    assert is_valid(guard, OFFICE)


def test_a_token_that_gets_another_name_stays_valid(tmp_path: Path) -> None:
    """Its viewers stay connected. So do those of a token without a name when a line above it is removed."""
    path = tmp_path / "tokens"
    guard = loaded(token_file=write(path, KITCHEN, OFFICE))
    write(path, Token("cellar", OFFICE.value))
    guard.reload()
    assert is_valid(guard, OFFICE)
    assert not is_valid(guard, KITCHEN)


def test_a_reload_does_not_create_a_token(tmp_path: Path) -> None:
    """No user would see the new one. If the file is missing, the previous token stays valid."""
    guard = loaded("0.0.0.0", state_dir=str(tmp_path))
    Path(guard.token_path).unlink()
    guard.reload()
    assert is_valid(guard, guard.created_token)
    assert os.listdir(tmp_path) == []


def test_a_reload_without_tokens_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It logs nothing, either."""
    caplog.set_level(logging.INFO)
    guard = loaded()
    guard.reload()
    assert is_valid(guard, None)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("peer", "is_exempt"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("2001:db8::1", False),
        ("unix", False),
    ],
)
def test_loopback_and_trusted_proxies_have_no_limit_of_connections(
    peer: str, is_exempt: bool
) -> None:
    """Loopback needs not be configured as a proxy."""
    guard = guard_with(trusted_proxies=("10.0.0.0/8", "192.0.2.1"))
    assert guard.is_exempt(peer) is is_exempt
