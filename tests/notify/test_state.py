"""What a restart remembers: two files, which do not affect each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from telemetry_stream.notify import state as module
from telemetry_stream.notify.channel import Capacity
from telemetry_stream.notify.choice import Choice, Pace
from telemetry_stream.notify.command import Command
from telemetry_stream.notify.config import Receiver
from telemetry_stream.notify.delivery import Delivery
from telemetry_stream.notify.outbox import Outbox
from telemetry_stream.notify.silences import Matcher, Silences
from telemetry_stream.notify.state import FILE, SILENCES_FILE, State
from telemetry_stream.notify.worker import Worker
from tests.notify.alerts import alert, note

COMMAND = Command(("/bin/true",), 1.0)


class Parts:
    """A state with one receiver, at a time that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.folder = folder
        self.silences = Silences(lambda: None)
        self.outbox = Outbox(Choice(), Pace(), Capacity(), started_at=self.now)
        receiver = Receiver("one", "command", COMMAND, Choice(), Pace())
        self.deliveries = [
            Delivery(receiver, self.outbox, Worker(COMMAND.sender(), lambda *_: None))
        ]
        self.state = State(str(folder), self.silences, on_crash=print, clock=lambda: self.now)
        self.state.restore(self.deliveries)

    def save(self, *, is_last: bool = False) -> None:
        self.state.save(self.deliveries, is_last=is_last)

    def written(self) -> list[str]:
        """Return the names of the files once everything that was saved is written."""
        self.state.start()
        self.state.close()
        for file in (self.state._file, self.state._silences_file):
            assert file._thread is not None
            file._thread.join(30)
        return sorted(path.name for path in self.folder.iterdir())


def test_each_file_has_what_has_changed(tmp_path: Path) -> None:
    """So a silence does not write the state of all receivers."""
    parts = Parts(tmp_path)
    parts.save()
    silence = parts.silences.add(Matcher(rule="x"), 60, by="", comment="")
    parts.save()
    assert parts.written() == [SILENCES_FILE]
    parts = Parts(tmp_path)
    assert parts.silences.current() == (silence,)
    parts.outbox.note(note(alert()), parts.now)
    parts.save()
    assert parts.written() == [FILE, SILENCES_FILE]
    parts = Parts(tmp_path)
    assert (parts.outbox.queued, parts.silences.current()) == (1, (silence,))


def test_a_large_state_is_not_saved_for_each_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But after a time in proportion to its size, and at the end."""
    monkeypatch.setattr(module, "BYTES_PER_SECOND", 100)
    parts = Parts(tmp_path)
    assert parts.state.maybe_save_at(parts.deliveries) is None
    parts.outbox.note(note(alert("a")), parts.now)
    parts.save()
    assert parts.state.maybe_save_at(parts.deliveries) is None
    parts.outbox.note(note(alert("a"), alert("b")), parts.now)
    parts.save()
    assert parts.outbox.is_dirty
    at = parts.state.maybe_save_at(parts.deliveries)
    assert at is not None
    assert 2 < at - parts.now < 10
    parts.now = at
    parts.save()
    assert not parts.outbox.is_dirty
    parts.silences.add(Matcher(rule="x"), 60, by="", comment="")
    parts.save(is_last=True)
    assert parts.written() == [FILE, SILENCES_FILE]
    assert len(json.loads((tmp_path / FILE).read_text())["receivers"]["one"]) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (FILE, ""),
        (FILE, "[]"),
        (FILE, '{"version": 2, "receivers": {}}'),
        (FILE, '{"version": 1, "receivers": {"one": [{}]}}'),
        (FILE, '{"version": 1, "receivers": []}'),
        (FILE, "[" * 100_000),
        (SILENCES_FILE, "["),
        (SILENCES_FILE, '{"version": 2, "silences": []}'),
        (SILENCES_FILE, '{"version": 1, "silences": 3}'),
        (SILENCES_FILE, '{"version": 1, "silences": [{}]}'),
    ],
)
def test_a_file_that_is_not_valid_is_ignored(
    name: str, content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And logged. The other one is used."""
    parts = Parts(tmp_path)
    parts.silences.add(Matcher(rule="x"), 60, by="", comment="")
    parts.outbox.note(note(alert()), parts.now)
    parts.save()
    assert parts.written() == [FILE, SILENCES_FILE]
    (tmp_path / name).write_text(content)
    parts = Parts(tmp_path)
    expected = (0, 1) if name == FILE else (1, 0)
    assert (parts.outbox.queued, len(parts.silences.current())) == expected
    assert f"{name} is not valid, so it is ignored" in caplog.text
