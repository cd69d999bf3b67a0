"""The file of receivers: what it allows, and one line for what is not valid, without a secret."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from telemetry_stream.notify.apprise import Apprise
from telemetry_stream.notify.choice import Choice, Pace
from telemetry_stream.notify.command import Command
from telemetry_stream.notify.config import MAX_RECEIVERS, NotifyError, load
from telemetry_stream.notify.mail import Mail
from telemetry_stream.notify.secret import Secret
from telemetry_stream.notify.webhook import Webhook
from tests.notify.alerts import alert
from tests.notify.servers import CERTIFICATE

WEBHOOK = '[[receiver]]\nname = "a"\ntype = "webhook"\n'
MAIL = '[[receiver]]\nname = "a"\ntype = "email"\n'
GOOD_MAIL = MAIL + 'server = "a"\nfrom = "a@b"\nto = ["a@b"]\n'
GOOD_URL = 'url = "https://example.org/in"\n'


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2hunter2")
    monkeypatch.setenv("A_PLAIN_URL", "http://hooks.example.org/hunter2")
    monkeypatch.setenv("A_URL", "https://hooks.example.org/hunter2")


def written(folder: Path, text: str) -> str:
    """Return the path of a file with this text."""
    (folder / "notify.toml").write_text(text)
    return str(folder / "notify.toml")


def test_each_type(tmp_path: Path) -> None:
    """With its keys, and what they mean by default."""
    (tmp_path / "token").write_text("hunter2hunter2\n")
    path = written(
        tmp_path,
        f"""
        [[receiver]]
        name = "phone"
        type = "webhook"
        template = "ntfy"
        url = "https://ntfy.sh/topic"
        token_file = "{tmp_path}/token"
        severities = ["critical"]
        rules = ["disk_*"]
        hosts = ["web*"]
        labels = {{ team = "db" }}
        wait = "5s"
        per_hour = 6
        remind = "4h"
        resolved = false
        [[receiver]]
        name = "chat"
        type = "webhook"
        template = "slack"
        url_env = "A_URL"
        [[receiver]]
        name = "mail"
        type = "email"
        server = "smtp.example.org"
        user = "me"
        password_env = "A_SECRET"
        from = "me@example.org"
        to = ["you@example.org"]
        [[receiver]]
        name = "program"
        type = "command"
        command = ["/bin/true", "x"]
        [[receiver]]
        name = "other"
        type = "apprise"
        url_env = "A_URL"
        """,
    )
    phone, chat, mail, program, other = load(path)
    assert phone.choice == Choice(("critical",), ("disk_*",), ("web*",), {"team": "db"})
    assert phone.pace == Pace(5, 6, 4 * 3600, resolved=False)
    assert chat.pace == Pace(10, 30, 0, resolved=True)
    assert isinstance(chat.channel, Webhook)
    assert isinstance(mail.channel, Mail)
    assert (mail.channel.security, mail.channel.port) == ("starttls", 587)
    assert program.channel == Command(("/bin/true", "x"), 10.0)
    assert other.channel == Apprise(Secret(variable="A_URL"))
    assert load(path) == (phone, chat, mail, program, other)
    for one in load(path):
        assert "hunter2" not in repr(one)
        assert "hunter2" not in one.channel.target


def test_alertmanager_gets_every_alert_again_and_again(tmp_path: Path) -> None:
    """Unless the file decides otherwise."""
    text = WEBHOOK + 'template = "alertmanager"\nurl = "http://localhost:9093"\n'
    assert load(written(tmp_path, text))[0].pace == Pace(0, 3600, 60)
    assert load(written(tmp_path, text + 'remind = "2m"\n'))[0].pace.remind_seconds == 120


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 0, "receiver: there is none (one begins with [[receiver]])"),
        ("a = 1\n", 1, "a: unknown key"),
        ("receiver = 3\n", 1, "receiver: must be tables that begin with [[receiver]]"),
        ("\nx = = 1\n", 2, "is not valid TOML"),
        ("[[receiver]]\n", 1, "name: is missing; it must be 1 to 32"),
        ('[[receiver]]\nname = "a b"\n', 2, "name: 'a b' must be 1 to 32"),
        ('[[receiver]]\nname = "a"\n', 1, "receiver 'a': type: is missing; it must be one of"),
        ('[[receiver]]\nname = "a"\ntype = "fax"\n', 3, "receiver 'a': type: 'fax' must be one of"),
        (WEBHOOK, 1, "receiver 'a': url: give one of url, url_file and url_env"),
        (WEBHOOK + GOOD_URL + 'url_env = "A_URL"\n', 4, "url: give one of"),
        (WEBHOOK + 'url = "gopher://x"\n', 4, "url: must be a URL such as"),
        (WEBHOOK + 'url_env = "A_SECRET"\n', 4, "url_env: must be a URL such as"),
        (WEBHOOK + 'url_env = "A_PLAIN_URL"\n', 4, "url_env: would send a secret without TLS"),
        (WEBHOOK + 'url_env = "NOT_SET"\n', 4, "the variable NOT_SET has no secret"),
        (WEBHOOK + 'url_file = "/nonexistent"\n', 4, "/nonexistent cannot be read: No such file"),
        (WEBHOOK + GOOD_URL + 'token = "hunter2"\n', 5, "token: a secret is not written here"),
        (WEBHOOK + GOOD_URL + 'api_key = "hunter2"\n', 5, "use token_file, password_file"),
        (WEBHOOK + GOOD_URL + 'token_env = "hunter2-x"\n', 5, "must be the name of an environment"),
        (WEBHOOK + GOOD_URL + "port = 3\n", 5, "port: unknown key (known: name, type,"),
        (WEBHOOK + 'template = "slack"\nurl = "https://a/hunter2"\n', 5, "the URL of slack is a"),
        (WEBHOOK + 'template = "gotify"\n' + GOOD_URL, 4, "gotify needs token_file or token_env"),
        (WEBHOOK + 'template = "ntfy"\nurl = "https://ntfy.sh/"\n', 5, "must end with the topic"),
        (
            WEBHOOK + 'template = "matrix"\ntoken_env = "A_SECRET"\n' + GOOD_URL,
            4,
            "room belongs to matrix",
        ),
        (WEBHOOK + 'url = "http://a/"\ntoken_env = "A_SECRET"\n', 4, "would send a secret without"),
        (WEBHOOK + GOOD_URL + 'user = "me"\n', 5, "user and password_file or password_env belong"),
        (WEBHOOK + GOOD_URL + 'severities = ["bad"]\n', 5, "'bad' must be one of critical,"),
        (
            WEBHOOK + GOOD_URL + 'ca = "/nonexistent"\n',
            5,
            "ca: /nonexistent cannot be used: No such",
        ),
        (WEBHOOK + 'url_env = "A_URL"\nca = "/"\n', 5, "ca: / cannot be used: "),
        (WEBHOOK + GOOD_URL + 'ca = "/dev/null"\n', 5, "ca: /dev/null cannot be used: "),
        (GOOD_MAIL + 'ca = "/nonexistent"\n', 7, "ca: /nonexistent cannot be used: No such file"),
        (WEBHOOK + GOOD_URL + "severities = []\n", 5, "severities: must have one of critical,"),
        (WEBHOOK + GOOD_URL + "rules = [1]\n", 5, "rules: must be a list of up to 100 texts"),
        (WEBHOOK + GOOD_URL + "labels = { a = 1 }\n", 5, "labels: must be texts"),
        (WEBHOOK + GOOD_URL + 'wait = "1"\n', 5, "wait: '1' must be a number and s, m, h or d"),
        (WEBHOOK + GOOD_URL + 'remind = "10s"\n', 5, "remind: must be 0s, or 1m at least"),
        (WEBHOOK + GOOD_URL + "per_hour = 0\n", 5, "0 must be a whole number from 1 to 3600"),
        (WEBHOOK + GOOD_URL + "resolved = 1\n", 5, "resolved: must be true or false"),
        (WEBHOOK + GOOD_URL + WEBHOOK + GOOD_URL, 6, "name: 'a' is the name of a receiver above"),
        (MAIL, 1, "server: is missing"),
        (
            MAIL + 'server = "a"\nsecurity = "none"\nuser = "me"\npassword_env = "A_SECRET"\n',
            5,
            "would send a password without TLS",
        ),
        (MAIL + 'server = "a"\nfrom = "me"\n', 5, "from: 'me' must be an address"),
        (MAIL + 'server = "a"\nfrom = "a@b"\n', 1, "to: must be a list of addresses"),
        (MAIL + 'server = "a"\nfrom = "a@b"\nto = ["x\\ny@z"]\n', 6, "must be an address such as"),
        (
            '[[receiver]]\nname = "a"\ntype = "command"\ncommand = ["notify"]\n',
            4,
            "command: must be a list that begins with the path of a program",
        ),
        ('[[receiver]]\nname = "a"\ntype = "apprise"\n', 3, "apprise needs url_file or url_env"),
    ],
)
def test_what_is_not_valid_is_one_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    """With file and line, and without a secret."""
    path = written(tmp_path, text)
    with pytest.raises(NotifyError) as caught:
        load(path)
    error = str(caught.value)
    assert error.startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert reason in error
    assert "hunter2" not in error
    assert "\n" not in error


def test_a_ca_is_read_only_for_tls(tmp_path: Path) -> None:
    """ssl takes 2 MiB. With the authorities of the system, it is loaded when a message is sent."""
    ca = 'ca = "/nonexistent"\n'
    plain = f'{WEBHOOK}url = "http://localhost/"\n{ca}'
    mail = f'{GOOD_MAIL}security = "none"\n{ca}'
    assert len(load(written(tmp_path, plain + mail.replace('"a"', '"b"', 1)))) == 2
    with_ca = f'{WEBHOOK}{GOOD_URL}ca = "{CERTIFICATE}"\n'
    for text, is_loaded in ((plain, False), (WEBHOOK + GOOD_URL, False), (with_ca, True)):
        code = (
            "import sys\nfrom telemetry_stream.notify.config import load\n"
            f"load({written(tmp_path, text)!r})\nassert ('ssl' in sys.modules) is {is_loaded}\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_too_many_receivers(tmp_path: Path) -> None:
    """There is a limit of threads."""
    text = "".join(WEBHOOK.replace('"a"', f'"a{i}"') + GOOD_URL for i in range(MAX_RECEIVERS + 1))
    with pytest.raises(NotifyError, match="51 receivers; at most 50 are allowed"):
        load(written(tmp_path, text))


@pytest.mark.parametrize("content", ["", "\n", "a\tb\n", "ü\n", "x" * 5000])
def test_a_file_that_is_no_secret(tmp_path: Path, content: str) -> None:
    """Empty, not printable ASCII, or too long: it could change the head of a request."""
    (tmp_path / "token").write_text(content)
    with pytest.raises(NotifyError, match="token_file: "):
        load(written(tmp_path, f'{WEBHOOK}{GOOD_URL}token_file = "{tmp_path}/token"\n'))


@pytest.mark.parametrize(
    ("choice", "is_accepted"),
    [
        (Choice(), True),
        (Choice(severities=("critical",)), False),
        (Choice(rules=("disk*", "x")), True),
        (Choice(rules=("x",)), False),
        (Choice(hosts=("web[12]",)), True),
        (Choice(hosts=("id-web1",)), True),
        (Choice(hosts=("db*",)), False),
        (Choice(labels={"device": "sd?"}), True),
        (Choice(labels={"device": "nvme*"}), False),
        (Choice(labels={"team": "*"}), False),
        (Choice(labels={"device": "sda"}, rules=("x",)), False),
    ],
)
def test_what_a_receiver_gets(choice: Choice, is_accepted: bool) -> None:
    """Each part that is given must match."""
    assert choice.accepts("id-web1", "web1", alert(device="sda")) is is_accepted
