"""Guard: what the settings mean for who is let in, and what reading again changes."""

from __future__ import annotations

import logging
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from telemetry_stream.access.guard import Guard, GuardError, token_line
from telemetry_stream.access.tokens import parse
from telemetry_stream.settings import Settings
from tests.net.pairs import CERTIFICATE

PEM = str(CERTIFICATE)
OTHER = CERTIFICATE.parent / "other.pem"
TOKEN = "0123456789abcdef"
ANOTHER = "fedcba9876543210"


def loaded(host: str = "127.0.0.1", **settings: Any) -> Guard:
    """A guard that has read everything."""
    guard = Guard(Settings(host=host, **settings))
    guard.load(host)
    return guard


def names(guard: Guard) -> list[str] | None:
    """The tokens that let in, by name."""
    found = guard.login.tokens
    return None if found is None else [token.name for token in found]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_needs_no_token(host: str, tmp_path: Path) -> None:
    """And makes none."""
    guard = loaded(host, state_dir=str(tmp_path))
    assert (names(guard), guard.made, os.listdir(tmp_path)) == (None, None, [])
    assert guard.ssl_context is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "127.example.org", "board.local"])
def test_any_other_address_gets_one_made(host: str, tmp_path: Path) -> None:
    """Once; the next start finds it. A name may lead anywhere."""
    guard = loaded(host, state_dir=str(tmp_path))
    assert guard.made is not None
    assert guard.login.tokens == (guard.made,)
    assert Path(guard.kept_path).read_text() == f"{guard.made.value}\n"
    again = loaded(host, state_dir=str(tmp_path))
    assert (again.made, again.login.tokens) == (None, guard.login.tokens)


def test_where_none_can_be_kept_the_program_must_not_start() -> None:
    """The sentence names the address, the place, and every way out."""
    with pytest.raises(GuardError) as caught:
        loaded("192.0.2.1", state_dir="/proc/none")
    for words in ("192.0.2.1", "/proc/none", "--token-file", "TELEMETRY_STREAM_TOKEN", "--no-auth"):
        assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_no_auth_lets_everybody_in(tmp_path: Path) -> None:
    """If it is said in so many words."""
    guard = loaded("0.0.0.0", no_auth=True, state_dir=str(tmp_path))
    assert (names(guard), os.listdir(tmp_path)) == (None, [])


def test_what_is_configured_counts_on_loopback_too(tmp_path: Path) -> None:
    """A file and the environment together."""
    path = tmp_path / "tokens"
    path.write_text(f"kitchen {TOKEN}\n")
    path.chmod(0o600)
    guard = loaded(token_file=str(path), token=ANOTHER)
    assert names(guard) == ["kitchen", parse(ANOTHER, "")[0].name]
    assert names(loaded("0.0.0.0", token=ANOTHER, state_dir="/proc/none")) == names(guard)[1:]  # type: ignore[index]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"token_file": "/nonexistent"}, "/nonexistent: cannot be read"),
        ({"token_file": os.devnull}, "there is no token in it"),
        ({"tls_cert": "/nonexistent", "tls_key": PEM}, "/nonexistent cannot be read"),
        ({"tls_cert": PEM, "tls_key": str(OTHER)}, "cannot be used: key values mismatch"),
    ],
)
def test_what_cannot_be_used_ends_the_start(settings: dict[str, Any], says: str) -> None:
    """A file without tokens is no invitation."""
    with pytest.raises(GuardError, match=says):
        loaded(**settings)


def test_reading_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Tokens and certificate are the new ones; the names are in the log, the tokens are not."""
    caplog.set_level(logging.INFO)
    path, certificate = tmp_path / "tokens", tmp_path / "pair.pem"
    path.write_text(f"kitchen {TOKEN}\noffice {ANOTHER}\n")
    path.chmod(0o600)
    certificate.write_bytes(CERTIFICATE.read_bytes())
    guard = loaded(token_file=str(path), tls_cert=str(certificate), tls_key=str(certificate))
    kitchen, office = guard.login.tokens or ()
    context = guard.ssl_context
    path.write_text(f"office {ANOTHER}\n")
    certificate.write_bytes(OTHER.read_bytes())
    guard.reload()
    assert (guard.holds(kitchen), guard.holds(office), guard.holds(None)) == (False, True, False)
    assert isinstance(guard.ssl_context, ssl.SSLContext)
    assert guard.ssl_context is not context
    assert "tokens read again: office" in caplog.text
    assert f"certificate read again: {certificate}" in caplog.text
    assert TOKEN not in caplog.text
    assert ANOTHER not in caplog.text


def test_what_cannot_be_read_again_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line each in the log; a file that is gone or broken opens no door and closes none."""
    path, certificate = tmp_path / "tokens", tmp_path / "pair.pem"
    path.write_text(f"kitchen {TOKEN}\n")
    path.chmod(0o600)
    certificate.write_bytes(CERTIFICATE.read_bytes())
    guard = loaded(token_file=str(path), tls_cert=str(certificate), tls_key=str(certificate))
    before = (guard.login.tokens, guard.ssl_context)
    path.write_text("kitchen\n")
    certificate.write_text("nonsense")
    guard.reload()
    path.unlink()
    certificate.unlink()
    guard.reload()
    assert (guard.login.tokens, guard.ssl_context) == before
    lines = [record.getMessage() for record in caplog.records]
    assert [line.partition(",")[0] for line in lines] == [
        "tokens not read again",
        "certificate not read again",
    ] * 2
    assert TOKEN not in caplog.text


def test_a_kept_token_that_is_gone_is_not_made_anew_while_running(tmp_path: Path) -> None:
    """Nobody would be told of it, and everybody would be shut out."""
    guard = loaded("0.0.0.0", state_dir=str(tmp_path))
    Path(guard.kept_path).unlink()
    guard.reload()
    assert guard.login.tokens == (guard.made,)
    assert os.listdir(tmp_path) == []


def test_where_everybody_is_let_in_reading_again_changes_nothing() -> None:
    """Nor does it read anything."""
    guard = loaded()
    guard.reload()
    assert names(guard) is None
    assert guard.holds(None)


def test_without_a_certificate_nothing_of_ours_brings_ssl() -> None:
    """The certificate does."""
    code = (
        "import sys; sys.modules['telemetry_stream.server.viewers'] = None\n"
        "from telemetry_stream.access.guard import Guard\nfrom telemetry_stream.settings import Settings\n"
        "Guard(Settings()).load('127.0.0.1')\nassert 'ssl' not in sys.modules\n"
        f"Guard(Settings(tls_cert={PEM!r}, tls_key={PEM!r})).load('::1')\nassert 'ssl' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_line_for_a_token_file() -> None:
    """With a name or without, and a new one each time."""
    assert parse(token_line(["kitchen"]), "")[0].name == "kitchen"
    assert parse(token_line([]), "")[0].name.startswith("token-")
    assert token_line([]) != token_line([])
    for wrong in (["two", "names"], ["na.me"], ["--help"], [""]):
        with pytest.raises(GuardError, match="one name or none"):
            token_line(wrong)


@pytest.mark.parametrize(
    ("peer", "many"),
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
def test_who_stands_for_many(peer: str, many: bool) -> None:
    """Trusted proxies do, and this host, trusted or not."""
    guard = Guard(Settings(trust_proxy="10.0.0.0/8,192.0.2.1"))
    assert guard.stands_for_many(peer) is many
