"""Services of apprise: the real package, in a process of its own, sends to a real server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_stream.notify.apprise import NOT_INSTALLED, REASONS, Apprise
from telemetry_stream.notify.channel import DeliveryError
from telemetry_stream.notify.secret import Secret
from tests.notify.alerts import message
from tests.notify.servers import Answer, http_receiver


def to(folder: Path, url: str) -> Apprise:
    """Return the channel for a URL."""
    (folder / "url").write_text(url + "\n")
    return Apprise(Secret(str(folder / "url")))


def test_a_message_is_sent(tmp_path: Path) -> None:
    """A failure of the service is one of the receiver."""
    with http_receiver() as receiver:
        sender = to(tmp_path, f"json://user:hunter2@localhost:{receiver.port}/in").sender()
        sender.send(message())
        (request,) = receiver.requests
        assert request.path.rstrip("/") == "/in"
        assert request.json["title"] == message().title
        assert request.json["type"] == "warning"
        receiver.answer = lambda *_: Answer(500)
        with pytest.raises(DeliveryError, match="the service did not accept the message"):
            sender.send(message())


def test_a_url_that_is_not_supported(tmp_path: Path) -> None:
    """The error does not have it."""
    with pytest.raises(DeliveryError) as caught:
        to(tmp_path, "nosuchservice://hunter2").sender().send(message())
    assert str(caught.value) == "apprise does not support this URL"
    with pytest.raises(DeliveryError, match="cannot be read"):
        Apprise(Secret("/nonexistent")).sender().send(message())
    assert to(tmp_path, "json://hunter2").target == "apprise"


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra. The program itself imports nothing of it."""
    monkeypatch.setattr(sys, "executable", "/bin/sh")
    with pytest.raises(DeliveryError, match="its process ends with status"):
        to(tmp_path, "json://localhost").sender().send(message())
    monkeypatch.undo()
    code = (
        "import sys; sys.modules['apprise'] = None\n"
        "from telemetry_stream.notify.apprise import main; sys.exit(main())"
    )
    found = subprocess.run([sys.executable, "-c", code], check=False, input=b"{}")
    assert found.returncode == NOT_INSTALLED
    assert "telemetry_stream[notify]" in REASONS[NOT_INSTALLED]
    assert "apprise" not in sys.modules
