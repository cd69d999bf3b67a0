"""Tokens: token files, the saved token, and that no message contains a token."""

from __future__ import annotations

import logging
import os
import re
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.access import tokens
from telemetry_stream.access.tokens import (
    Token,
    TokenError,
    generate,
    maybe_matching,
    parse,
    read,
    read_or_create,
    state_directory,
    token_line,
)
from telemetry_stream.settings import validation

A, B = "a" * 16, "b" * 32


def test_generated_tokens_are_long_and_different() -> None:
    """They have 192 random bits, and only characters that need no quoting."""
    values = {generate() for _ in range(100)}
    assert len(values) == 100
    assert all(tokens.VALUE.fullmatch(value) and len(value) == 32 for value in values)


def test_a_line_for_a_token_file_has_a_new_token_and_an_optional_name() -> None:
    """Each call generates another token. A wrong name, or a second one, is an error."""
    assert parse(token_line(["kitchen"]), "")[0].name == "kitchen"
    assert parse(token_line([]), "")[0].name.startswith("token-")
    assert token_line([]) != token_line([])
    for wrong in (["two", "names"], ["na.me"], ["--help"], [""]):
        with pytest.raises(TokenError, match="expected at most one name"):
            token_line(wrong)


def test_a_file_may_have_tokens_with_and_without_names() -> None:
    """Comments and blank lines are ignored."""
    content = f"# access\n\nkitchen {A}\n  \t{B}  \n#old {A}\n"
    found = parse(content, "f")
    assert found == (Token("kitchen", A), Token("token-4", B))
    assert [token.name for token in found] == ["kitchen", "token-4"]


def test_the_name_of_an_unnamed_token_is_its_line() -> None:
    """Logs and reports show names, so a name depends on no bit of the value."""
    assert parse(A, "f")[0].name == parse(B, "f")[0].name == "token-1"


def test_the_id_of_a_token_depends_on_its_value_only() -> None:
    """So a login stays valid when a line is added above, or the token gets another name."""
    assert Token("a", A).id == Token("b", A).id != Token("a", B).id
    assert re.fullmatch(r"[0-9a-f]{16}", Token("a", A).id)
    assert Token("a", A) == Token("b", A) != Token("a", B)


@pytest.mark.parametrize("content", ["", "# nothing", "\n \n"])
def test_a_file_may_have_no_token(content: str) -> None:
    """The guard decides what that means."""
    assert parse(content, "f") == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a" * 15, ":1: expected"),
        ("a" * 257, ":1: expected"),
        (f"\n\nname {A} more", ":3: expected"),
        (f"name {A}!", ":1: expected"),
        ("name größe-größe-größe", ":1: expected"),
        (f"na.me {A}", ":1: the name must be"),
        (f"{'n' * 33} {A}", ":1: the name must be"),
        (f"-n {A}", ":1: the name must be"),
        (f"one {A}\none {B}", ":2: duplicate name or token"),
        (f"one {A}\ntwo {A}", ":2: duplicate name or token"),
        (f"token-2 {A}\n{B}", ":2: duplicate name or token"),
    ],
)
def test_an_error_in_a_file_names_the_line_and_no_token(content: str, message: str) -> None:
    """The number of the line is enough to find it."""
    with pytest.raises(TokenError, match=f"^/f.*{message}") as caught:
        parse(content, "/f")
    assert "aaaa" not in str(caught.value)
    assert "größe" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_content_gives_valid_tokens_or_a_token_error(content: str) -> None:
    """No other exception is raised."""
    try:
        found = parse(content, "f")
    except TokenError:
        return
    assert all(tokens.VALUE.fullmatch(token.value) for token in found)


def test_a_file_that_cannot_be_read_is_a_token_error(tmp_path: Path) -> None:
    """Missing, a directory, too large, not ASCII, not a path."""
    large, latin = tmp_path / "large", tmp_path / "latin"
    for file in (large, latin):
        file.touch(0o600)
    large.write_text(f"{A}\n" + "#" * tokens.MAX_FILE_BYTES)
    latin.write_bytes(b"\xe9" * 20)
    for path, message in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "Is a directory"),
        (large, "larger than 256 KiB"),
        (latin, "ASCII"),
        ("a\0b", "is not a valid path"),
    ):
        with pytest.raises(TokenError, match=message):
            read(str(path))


def test_a_file_that_every_user_can_read_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is used nevertheless, because some platforms mount secrets in this way."""
    path = tmp_path / "tokens"
    path.write_text(A)
    path.chmod(0o640)
    assert read(str(path)) == (Token("token-1", A),)
    assert not caplog.records
    path.chmod(0o644)
    assert read(str(path)) == (Token("token-1", A),)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        f"{path} is readable by every user of this host (use chmod 600 {path})"
    )
    assert A not in caplog.text


@pytest.mark.parametrize(
    ("mode", "is_used"),
    [(0o400, True), (0o600, True), (0o640, True), (0o660, False), (0o602, False), (0o666, False)],
)
def test_a_file_that_other_users_can_write_is_refused(
    tmp_path: Path, mode: int, is_used: bool
) -> None:
    """They could add a token of their own."""
    path = tmp_path / "tokens"
    path.write_text(A)
    path.chmod(mode)
    if is_used:
        assert read(str(path)) == (Token("token-1", A),)
    else:
        with pytest.raises(TokenError, match=r"other users could add tokens \(use chmod go-w\)"):
            read(str(path))


@pytest.mark.parametrize(
    ("owner", "mode", "result"),
    [
        (0, 0o600, "used"),
        (1000, 0o600, "used"),
        (1001, 0o600, "refused"),
        (1001, 0o644, "refused"),
        (1001, 0o200, "refused"),
        (1001, 0o400, "used with a warning"),
        (65534, 0o440, "used with a warning"),
        (1001, 0o444, "used with a warning"),
        (1001, 0o464, "refused"),
        (1001, 0o446, "refused"),
    ],
)
def test_another_owner_than_root_or_the_user_of_the_program_must_not_write_the_file(
    tmp_path: Path,
    owner: int,
    mode: int,
    result: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It could add a token. systemd's credentials belong to one of the two, but the secrets of a container do not."""
    path = tmp_path / "tokens"
    path.write_text(A)
    path.chmod(0o600)
    real = os.fstat

    def owned(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[stat.ST_UID] = owner
        found[stat.ST_MODE] = stat.S_IFREG | mode
        return os.stat_result(found)

    monkeypatch.setattr(os, "fstat", owned)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if result == "refused":
        with pytest.raises(TokenError, match="could add tokens"):
            read(str(path))
        return
    assert read(str(path)) == (Token("token-1", A),)
    warning = f"{path} belongs to user id {owner}, who could make it writable"
    assert (warning in caplog.messages) is (result == "used with a warning")
    is_open = any("is readable by every user" in message for message in caplog.messages)
    assert is_open is (mode == 0o444)


def test_a_pipe_has_no_owner_to_check() -> None:
    """A shell passes one for ``--token-file <(…)``."""
    reading, writing = os.pipe()
    os.fchmod(writing, 0o666)
    os.write(writing, A.encode())
    os.close(writing)
    try:
        assert read(f"/dev/fd/{reading}") == (Token("token-1", A),)
    finally:
        os.close(reading)


def test_a_token_is_created_once_and_readable_for_its_owner_only(tmp_path: Path) -> None:
    """The file has mode 600 and the directory 700, whatever the umask. No draft remains."""
    directory = tmp_path / "below" / "state"
    old = os.umask(0)
    try:
        (first,), is_new = read_or_create(str(directory))
    finally:
        os.umask(old)
    assert is_new
    path = directory / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert path.read_text() == f"{first.value}\n"
    assert os.listdir(directory) == ["token"]
    assert read_or_create(str(directory)) == ((first,), False)


def test_an_existing_directory_keeps_its_mode(tmp_path: Path) -> None:
    """Other programs may use the directory, too."""
    tmp_path.chmod(0o755)
    read_or_create(str(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_programs_that_start_at_once_share_one_token(tmp_path: Path) -> None:
    """Exactly one of them creates it, and none overwrites it."""
    results: list[tuple[tuple[Token, ...], bool]] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait(10)
        results.append(read_or_create(str(tmp_path)))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({found for found, _ in results}) == 1
    assert [is_new for _, is_new in results].count(True) == 1


def test_a_directory_that_cannot_be_written_is_a_token_error() -> None:
    """The error names it."""
    with pytest.raises(TokenError, match="cannot save a token in /proc/none"):
        read_or_create("/proc/none")


def test_a_malformed_saved_file_is_not_overwritten(tmp_path: Path) -> None:
    """It may contain tokens that are in use."""
    (tmp_path / "token").write_text("broken")
    with pytest.raises(TokenError, match="token:1"):
        read_or_create(str(tmp_path))
    assert (tmp_path / "token").read_text() == "broken"


@pytest.mark.parametrize(
    ("environment", "directory"),
    [
        ({"STATE_DIRECTORY": "/var/lib/ts:/var/lib/more", "XDG_STATE_HOME": "/x"}, "/var/lib/ts"),
        ({"XDG_STATE_HOME": "/x"}, "/x/telemetry_stream"),
        ({"XDG_STATE_HOME": "relative"}, "~/.local/state/telemetry_stream"),
        ({}, "~/.local/state/telemetry_stream"),
    ],
)
def test_the_state_directory_of_systemd_comes_before_that_of_xdg(
    environment: dict[str, str], directory: str
) -> None:
    """Relative paths in XDG_STATE_HOME are ignored, as its specification demands."""
    assert state_directory(environment) == os.path.expanduser(directory)


def test_only_an_equal_value_matches() -> None:
    """No prefix, no longer value, no other case."""
    both = (Token("a", A), Token("b", B))
    assert maybe_matching(both, A) == both[0]
    assert maybe_matching(both, B) == both[1]
    for wrong in ("", A[:-1], A + "a", A.upper(), A + B, "größe" * 4, "\ud800"):
        assert maybe_matching(both, wrong) is None


def test_every_token_is_compared_whichever_matches() -> None:
    """So the time of the comparison does not reveal whether or which token matches."""
    many = tuple(Token(f"n{n}", f"{n:016}") for n in range(5))
    compared: list[Token] = []

    def counted() -> Iterator[Token]:
        for token in many:
            compared.append(token)
            yield token

    for value in (many[0].value, many[4].value, "wrong"):
        compared.clear()
        maybe_matching(counted(), value)
        assert compared == list(many)


def test_the_repr_of_a_token_does_not_contain_its_value() -> None:
    """A repr may appear in a traceback."""
    assert A not in repr(Token("name", A))


def test_settings_have_the_same_rule() -> None:
    """TELEMETRY_STREAM_TOKEN is checked by settings/validation.py, which cannot import this part."""
    assert validation.TOKEN.pattern == f"(?:{tokens.VALUE.pattern})?"
    assert validation.TOKEN.words == tokens.RULE
