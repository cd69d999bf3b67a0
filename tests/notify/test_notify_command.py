"""``telemetry-stream notify``: check and test."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry_stream.alerts.rules_command import UsageError
from telemetry_stream.cli import main
from telemetry_stream.notify import notify_command
from tests.notify.servers import Answer, http_receiver


def written(folder: Path, *urls: str) -> str:
    """Return a file with a receiver for each URL."""
    (folder / "notify.toml").write_text(
        "".join(
            f'[[receiver]]\nname = "r{i}"\ntype = "webhook"\nurl = "{url}"\n'
            for i, url in enumerate(urls)
        )
    )
    return str(folder / "notify.toml")


def test_a_test_message_goes_to_each_receiver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or to one. What happened is printed, and the exit status is 1 if any failed."""
    with http_receiver() as good, http_receiver() as bad:
        bad.answer = lambda *_: Answer(403)
        path = written(tmp_path, good.url + "/a", bad.url + "/hunter2")
        assert main(["notify", "test", "--notify", path]) == 1
        out = capsys.readouterr().out
        assert out == (
            "r0 (json at localhost): sent\n"
            "r1 (json at localhost): failed: it answers with status 403\n"
        )
        assert good.requests[0].json["test"] is True
        assert main(["notify", "test", "r0", "--notify", path]) == 0
        assert (len(good.requests), len(bad.requests)) == (2, 1)


def test_a_receiver_that_hangs_ends_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the limit of an attempt."""
    monkeypatch.setattr(notify_command, "ABORT_SECONDS", 0.1)
    with http_receiver() as server:
        server.answer = server.hang
        text, is_sent = notify_command.test(["test"], written(tmp_path, server.url))
        assert not is_sent
        assert text.startswith("r0 (json at localhost): failed: ")


def test_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each receiver, or one for the error, with status 2."""
    path = written(tmp_path, "https://a.example/hunter2", "https://b.example/hunter2")
    assert main(["notify", "check", path]) == 0
    out = capsys.readouterr().out
    assert out == "r0: webhook, json at a.example\nr1: webhook, json at b.example\n"
    path = written(tmp_path, "hunter2")
    assert main(["notify", "check", path]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"telemetry-stream: {path}:4: receiver 'r0': url: must be a URL")
    assert "hunter2" not in err


@pytest.mark.parametrize(
    ("words", "path", "reason"),
    [
        ([], "x", "use 'notify check FILE' or"),
        (["what"], "x", "use 'notify check FILE' or"),
        (["test", "a", "b"], "x", "use 'notify check FILE' or"),
        (["test"], "", "name the file with --notify FILE"),
    ],
)
def test_arguments_that_are_not_valid(words: list[str], path: str, reason: str) -> None:
    """One line with what is allowed."""
    with pytest.raises(UsageError, match=reason):
        notify_command.test(words, path)


def test_an_unknown_receiver(tmp_path: Path) -> None:
    """The known ones are named."""
    with pytest.raises(UsageError, match=r"no receiver 'x' \(known: r0\)"):
        notify_command.test(["test", "x"], written(tmp_path, "https://a.example/"))
