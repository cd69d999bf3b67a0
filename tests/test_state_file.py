"""A file of the state directory: written in one step, and again if that fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_stream import state_file
from telemetry_stream.state_file import StateFile
from tests.conftest import eventually


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateFile]:
    """A file in a directory that cannot be made, because a file has its name. The disk of the test may be slow."""
    monkeypatch.setattr(state_file, "CLOSE_SECONDS", 10.0)
    (tmp_path / "state").write_text("")
    found = StateFile(
        str(tmp_path / "state" / "alerts.json"), "ts-alerts", max_bytes=10, on_crash=print
    )
    found.start()
    yield found
    found.close()


def test_the_newest_content_that_could_not_be_written_is_written_at_the_end(
    file: StateFile, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read in the next run. The failure is logged once."""
    caplog.set_level(logging.WARNING)
    failed: list[bytes] = []

    def write(content: bytes) -> None:
        try:
            StateFile._write(file, content)
        except OSError:
            failed.append(content)
            raise

    monkeypatch.setattr(file, "_write", write)
    for content in (b"first", b"second", b"third"):
        file.keep(content)
        assert eventually(lambda: file._next in failed)
    Path(file.path).parent.unlink()
    file.close()
    assert file.maybe_read() == b"third"
    assert caplog.text.count("cannot be written") == 1


def test_it_is_tried_again_without_a_change(
    file: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk may have room again."""
    monkeypatch.setattr(state_file, "RETRY_SECONDS", 0.01)
    file.keep(b"kept")
    assert eventually(lambda: file._has_failed)
    Path(file.path).parent.unlink()
    assert eventually(Path(file.path).exists)
    assert eventually(lambda: not file._has_failed)


def test_a_failure_does_not_replace_what_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes while a write fails is what counts."""
    file = StateFile(str(tmp_path / "alerts.json"), "ts-alerts", max_bytes=10, on_crash=print)

    def fail(_: bytes) -> None:
        file.keep(b"newer")
        raise OSError(28, "No space left on device")

    file.keep(b"older")
    with monkeypatch.context() as patch:
        patch.setattr(file, "_write", fail)
        file._write_next()
    file._write_next()
    assert file.maybe_read() == b"newer"


def test_what_is_too_large_to_be_read_is_not_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The content before stays, also if it is not written yet. It is logged once, and again after a smaller one."""
    file = StateFile(str(tmp_path / "alerts.json"), "ts-alerts", max_bytes=10, on_crash=print)
    for content in (b"0123456789", b"0123456789a", b"0123456789b"):
        file.keep(content)
        file._write_next()
        assert file.maybe_read() == b"0123456789"
    assert caplog.messages == [f"{file.path} cannot be written: too large"]
    file.keep(b"small")
    file.keep(b"0123456789c")
    file._write_next()
    assert (file.maybe_read(), len(caplog.messages)) == (b"small", 2)
