"""The hosts that the user names."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from telemetry_stream.fleet.watchlist import WatchError, parse, targets

TOKEN = "0123456789abcdef-secret"


def lines(folder: Path, content: str | bytes, mode: int = 0o600) -> str:
    """Write a watch file and return its path."""
    path = folder / "hosts.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return str(path)


def found(watch: str = "", watch_file: str = "", limit: int = 10) -> list[tuple[str, str | None]]:
    """Return what is shown of each target, and its token."""
    return [
        (target.shown, target.token)
        for target in targets(watch, watch_file, allow_plain=False, limit=limit)
    ]


@pytest.mark.parametrize(
    ("url", "endpoint", "path", "header", "shown"),
    [
        ("https://web1:8750", ("web1", 8750, True), "/ws", "web1:8750", "web1:8750"),
        ("https://web1/", ("web1", 443, True), "/ws", "web1", "web1:443"),
        ("http://localhost", ("localhost", 80, False), "/ws", "localhost", "localhost:80"),
        (
            "https://Proxy.example/box/",
            ("proxy.example", 443, True),
            "/box/ws",
            "proxy.example",
            "proxy.example:443/box",
        ),
        ("http://[::1]:8750", ("::1", 8750, False), "/ws", "[::1]:8750", "[::1]:8750"),
    ],
)  # fmt: skip
def test_a_url_becomes_a_target(
    url: str, endpoint: tuple[str, int, bool], path: str, header: str, shown: str
) -> None:
    """Also that of a dashboard behind a proxy."""
    target = parse(url, TOKEN, "watch", allow_plain=False)
    assert (target.endpoint, target.path, target.host_header) == (endpoint, path, header)
    assert (target.shown, target.token) == (shown, TOKEN)
    assert TOKEN not in repr(target)


@pytest.mark.parametrize(
    "url",
    [
        "web1:8750",
        "ftp://web1",
        "https://",
        "https://web1:99999",
        "https://we b1",
        "https://[::1",
        "https://web1/../ws",
        "https://u:p@web1",
        "https://web1?token=x",
        "https://web1/#token=x",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    """With the place. A token in a URL would be shown."""
    with pytest.raises(WatchError, match=r"^hosts\.txt:3: ") as caught:
        parse(url, None, "hosts.txt:3", allow_plain=False)
    assert "token=x" not in str(caught.value)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("host", ["a..b", ".foo", "x" * 64 + ".example"])
def test_a_text_that_no_name_can_be_is_refused(host: str) -> None:
    """A dot at the end is allowed (RFC 1034 section 3.1), and so is the zone of an address."""
    with pytest.raises(WatchError, match=f"^watch: {host} is not a host name"):
        parse(f"https://{host}:8750", None, "watch", allow_plain=False)
    for allowed in ("web1.example.", "x" * 63, "[fe80::1%25eth0]"):
        parse(f"https://{allowed}:8750", None, "watch", allow_plain=False)


def test_a_token_needs_tls_or_loopback_or_permission() -> None:
    """Anybody on the way could read it. Without a token there is nothing to read."""
    for url in ("http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://web1"):
        assert parse(url, TOKEN, "x", allow_plain=False).token == TOKEN
    with pytest.raises(WatchError, match=r"without TLS .*--watch-allow-plain") as caught:
        parse("http://web1", TOKEN, "x", allow_plain=False)
    assert TOKEN not in str(caught.value)
    assert parse("http://web1", TOKEN, "x", allow_plain=True).token == TOKEN
    assert parse("http://web1", None, "x", allow_plain=False).token is None


def test_both_settings_are_read(tmp_path: Path) -> None:
    """A URL that is given twice counts once, with its token."""
    path = lines(
        tmp_path, f"# hosts\n\nhttps://web2:1 {TOKEN}\nhttps://web3:1\nhttps://web1:1 {TOKEN}\n"
    )
    assert found("https://web1:1,https://web3:1/", path) == [
        ("web1:1", TOKEN),
        ("web3:1", None),
        ("web2:1", TOKEN),
    ]
    assert found() == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"https://web1 {TOKEN} more", ":1: expected 'URL' or 'URL TOKEN'"),
        ("\nhttps://web1 short", ":2: the token must be"),
        (f"http://web1 {TOKEN}", ":1: a token would be sent to web1 without TLS"),
        ("https://wéb1", ": contains characters other than ASCII"),
        (b"x" * (1024 * 1024 + 1), ": is larger than 1024 KiB"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    """With the line, and without the token."""
    path = lines(tmp_path, content)
    with pytest.raises(WatchError) as caught:
        found("", path)
    assert str(caught.value).startswith(path + reason)
    assert TOKEN not in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """As is a path that no file can have."""
    with pytest.raises(WatchError, match="cannot be read"):
        found("", str(tmp_path / "missing"))
    with pytest.raises(WatchError, match="not a valid path"):
        found("", "a\0b")


def test_the_number_of_hosts_is_limited() -> None:
    """By max_hosts."""
    with pytest.raises(WatchError, match="3 hosts are given, but max_hosts is 2"):
        found("https://a,https://b,https://c", limit=2)


def test_a_file_that_others_can_read_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the commands that keep it readable for this program."""
    with caplog.at_level(logging.WARNING):
        found("", lines(tmp_path, "https://web1\n"))
        assert caplog.text == ""
        found("", lines(tmp_path, "https://web1\n", 0o644))
    assert "may be read or changed by every user" in caplog.text
    assert "chmod 600" in caplog.text
