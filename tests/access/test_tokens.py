"""Tokens: files of them, one kept, and none in any message."""

from __future__ import annotations

import hmac
import logging
import os
import re
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream import validation
from telemetry_stream.access import tokens
from telemetry_stream.access.tokens import (
    Token,
    TokenError,
    make,
    maybe_matching,
    parse,
    read,
    read_or_make,
    state_directory,
    unnamed,
)

A, B = "a" * 16, "b" * 32


def test_made_tokens_are_long_and_different() -> None:
    """192 bits, of characters that nothing has to quote."""
    made = {make() for _ in range(100)}
    assert len(made) == 100
    assert all(tokens.VALUE.fullmatch(value) and len(value) == 32 for value in made)


def test_file_with_names_and_without() -> None:
    """Comments and blank lines are let be."""
    content = f"# those who may\n\nkitchen {A}\n  \t{B}  \n#old {A}\n"
    assert parse(content, "f") == (Token("kitchen", A), unnamed(B))


def test_a_name_of_its_own_is_the_token_s_and_tells_nothing() -> None:
    """It does not change when the lines do."""
    assert unnamed(B).name == parse(f"x {A}\n{B}", "f")[1].name
    assert re.fullmatch(r"token-[0-9a-f]{6}", unnamed(B).name)
    assert unnamed(A).name != unnamed(B).name


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no token in it"),
        ("# nothing", "no token in it"),
        ("a" * 15, ":1: must be"),
        ("a" * 257, ":1: must be"),
        (f"\n\nname {A} more", ":3: must be"),
        (f"name {A}!", ":1: must be"),
        ("name größe-größe-größe", ":1: must be"),
        (f"na.me {A}", ":1: a name has"),
        (f"{'n' * 33} {A}", ":1: a name has"),
        (f"-n {A}", ":1: a name has"),
        (f"one {A}\none {B}", ":2: this name or token"),
        (f"one {A}\ntwo {A}", ":2: this name or token"),
    ],
)
def test_wrong_files_name_the_line_and_no_token(content: str, says: str) -> None:
    """The line's number is enough to find it."""
    with pytest.raises(TokenError, match=f"^/f.*{says}") as caught:
        parse(content, "/f")
    assert "aaaa" not in str(caught.value)
    assert "größe" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_content_is_tokens_or_an_error(content: str) -> None:
    """Nothing else escapes, and what is taken is what it should be."""
    try:
        found = parse(content, "f")
    except TokenError:
        return
    assert all(tokens.VALUE.fullmatch(token.value) for token in found)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a directory, too large, not ASCII, no path at all."""
    large, latin = tmp_path / "large", tmp_path / "latin"
    large.write_text(f"{A}\n" + "#" * tokens.MAX_FILE_BYTES)
    latin.write_bytes(b"\xe9" * 20)
    for path, says in (
        (tmp_path / "none", "No such file"),
        (tmp_path, "Is a directory"),
        (large, "larger than"),
        (latin, "ASCII"),
        ("a\0b", "cannot be a path"),
    ):
        with pytest.raises(TokenError, match=says):
            read(str(path))


def test_a_file_that_everybody_can_read_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is used all the same: some platforms have no other."""
    path = tmp_path / "tokens"
    path.write_text(A)
    path.chmod(0o640)
    assert read(str(path)) == (unnamed(A),)
    assert not caplog.records
    path.chmod(0o644)
    assert read(str(path)) == (unnamed(A),)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "can be read by every user" in record.getMessage()
    assert A not in caplog.text


def test_one_is_made_once_and_kept_for_its_owner(tmp_path: Path) -> None:
    """Mode 600 in a directory of mode 700, whatever the umask; nothing else is left there."""
    directory = tmp_path / "below" / "state"
    old = os.umask(0)
    try:
        (first,), made = read_or_make(str(directory))
    finally:
        os.umask(old)
    assert made
    path = directory / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert path.read_text() == f"{first.value}\n"
    assert os.listdir(directory) == ["token"]
    assert read_or_make(str(directory)) == ((first,), False)


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    """It may be somebody's /var/lib."""
    tmp_path.chmod(0o755)
    read_or_make(str(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_two_at_once_agree(tmp_path: Path) -> None:
    """Nobody overwrites what another has printed; one of them has made it."""
    results: list[tuple[tuple[Token, ...], bool]] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait(10)
        results.append(read_or_make(str(tmp_path)))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({found for found, _ in results}) == 1
    assert [made for _, made in results].count(True) == 1


def test_a_place_that_cannot_be_written_is_a_sentence() -> None:
    """It names the place."""
    with pytest.raises(TokenError, match="no token can be kept in /proc/none"):
        read_or_make("/proc/none")


def test_a_kept_file_that_is_broken_is_not_replaced(tmp_path: Path) -> None:
    """Somebody's tokens may be in it."""
    (tmp_path / "token").write_text("broken")
    with pytest.raises(TokenError, match="token:1"):
        read_or_make(str(tmp_path))
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
def test_state_directory(environment: dict[str, str], directory: str) -> None:
    """systemd's comes first, then XDG's."""
    assert state_directory(environment) == os.path.expanduser(directory)


def test_only_the_very_token_matches() -> None:
    """Not a part of it, not with more, not in another case."""
    both = (Token("a", A), Token("b", B))
    assert maybe_matching(both, A) == both[0]
    assert maybe_matching(both, B) == both[1]
    for wrong in ("", A[:-1], A + "a", A.upper(), A + B, "größe" * 4, "\ud800"):
        assert maybe_matching(both, wrong) is None


def test_every_token_is_compared_whichever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time tells neither whether nor which."""
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    many = tuple(Token(f"n{n}", f"{n:016}") for n in range(5))
    for value in (many[0].value, many[4].value, "wrong"):
        compared.clear()
        maybe_matching(many, value)
        assert len(compared) == 5


def test_a_token_s_text_does_not_show_it() -> None:
    """It may end up in a traceback."""
    assert A not in repr(Token("name", A))


def test_settings_hold_the_same_rule() -> None:
    """TELEMETRY_STREAM_TOKEN is checked where all settings are, which know nothing of the server."""
    assert validation.TOKEN.pattern == f"(?:{tokens.VALUE.pattern})?"
    assert validation.TOKEN.words == tokens.RULE
