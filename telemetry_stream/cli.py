"""The command line: reads the settings, runs the program once, returns its exit status.

0 after SIGTERM or SIGINT; 1 if a thread of the program crashed, or the start failed for a reason that may pass; 2 if
the program cannot start. In each failure one line gives the reason. SIGHUP makes the program read tokens, certificate,
rules, receivers and hosts to watch again. Some commands run no server: ``token [NAME]`` prints a new line for a token
file, ``rules`` checks or lists alert rules, ``notify`` checks receivers or sends them a test message, and ``silence``
lists or changes the silences of a running program.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from importlib.util import find_spec
from signal import SIGHUP, SIGINT, SIGTERM

from . import __version__, descriptors, logs, output, systemd
from .access.tokens import TokenError, state_directory, state_path, token_line
from .access.tokens import read as read_tokens
from .alerts.rules_command import UsageError
from .alerts.rules_command import run as rules_command
from .app import App, StartError, TemporaryStartError
from .escape import escaped
from .settings import Settings, SettingsError, load, unknown_variables
from .signals import Background, Signals
from .threads import ThreadUnavailableError, small_stacks
from .toml_file import TomlError

log = logging.getLogger(__name__)


# The hub's thread waits for the interpreter after each system call; with the default, 5 ms, it waits ten times as long
# behind a request. Only a process of our own may change this.
SWITCH_SECONDS = 0.0005


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    output.open_missing()
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        status = _maybe_run_command(given)
        if status is not None:
            return status
        notifier = systemd.maybe_notifier(os.environ, os.getpid())
        listening = systemd.maybe_listening(os.environ, os.getpid())
        if listening is not None:
            # The .socket unit chooses the address. The settings still decide who may use it.
            host, port = listening.getsockname()[:2]
            given += ["--host", host, "--port", str(port)]
        settings = load(given, os.environ)
        logs.configure(settings.log_level, settings.log_format, os.environ)
        for sentence in unknown_variables(os.environ):
            log.warning("%s", sentence)
        if find_spec("psutil") is None:
            log.info(
                "psutil is not installed: a section whose kernel file cannot be read is missing"
            )
        on_ready = None if notifier is None else notifier.ready
        shortage = descriptors.maybe_raise_limit(settings.max_connections)
        if shortage is not None:
            log.warning("%s", shortage)
        sys.setswitchinterval(SWITCH_SECONDS)
        # Each dataclass with slots has left its first class behind: 0.3 MiB that the parts can use.
        gc.collect()
        app = App(settings, listening=listening, on_ready=on_ready)
        # Files may be on a mount that hangs.
        reloads = Background("ts-reload", app.reload, on_crash=app.fail)
        actions = {SIGTERM: app.stop, SIGINT: app.stop, SIGHUP: reloads.request}
        with small_stacks(), reloads, Signals(actions, on_crash=app.fail):
            return _serve(app, notifier)
    except (UsageError, TomlError) as error:
        return _report(error, 2)
    except (SettingsError, TokenError, StartError, systemd.SystemdError) as error:
        return _report(error, 1 if isinstance(error, TemporaryStartError) else 2)
    except ThreadUnavailableError as error:
        return _report(error, 1)


def _maybe_run_command(given: list[str]) -> int | None:
    """Run the command that the first word names, and return its exit status; None if the program is to run."""
    name, rest = "".join(given[:1]), given[1:]
    if name == "token":
        print(token_line(rest))
    elif name == "rules":
        print(rules_command(rest))
    elif name in ("notify", "silence"):
        # Words come first, then options as those of the program.
        number = next((i for i, text in enumerate(rest) if text.startswith("-")), len(rest))
        words, settings = rest[:number], load(rest[number:], os.environ)
        return (_notify if name == "notify" else _silence)(words, settings)
    else:
        return None
    return 0


def _notify(words: list[str], settings: Settings) -> int:
    from .notify import notify_command  # noqa: PLC0415  # what a program without receivers does not need

    if words[:1] == ["check"] and len(words) == 2:
        print(notify_command.check(words[1]))
        return 0
    text, is_sent = notify_command.test(words, settings.notify)
    print(text)
    return 0 if is_sent else 1


def _silence(words: list[str], settings: Settings) -> int:
    from .notify import silence_command  # noqa: PLC0415  # as above

    token = _maybe_own_token(settings)
    place = silence_command.Place(settings.host, settings.port, settings.tls_cert, token)
    print(silence_command.run(words, place))
    return 0


def _maybe_own_token(settings: Settings) -> str | None:
    """Return a token that the running program accepts, if the settings name one. Raises TokenError."""
    if settings.token or settings.no_auth:
        return settings.token or None
    path = settings.token_file
    if not path:
        path = state_path(settings.state_dir or state_directory(os.environ))
        if not os.path.exists(path):
            return None
    found = read_tokens(path)
    return found[0].value if found else None


def _report(problem: object, status: int) -> int:
    output.report(f"telemetry-stream: {escaped(str(problem))}")
    return status


def _serve(app: App, notifier: systemd.Notifier | None) -> int:
    app.start()
    try:
        _run(app, notifier)
    finally:
        if notifier is not None:
            notifier.close()
        _close(app)
    if app.failure is not None:
        return _report(f"ended by an error: {app.failure!r}", 1)
    return 0


def _run(app: App, notifier: systemd.Notifier | None) -> None:
    if notifier is not None:
        notifier.start(app.maybe_problem)
    # Imported modules and built parts stay. Without this, each collection examines them again and delays all viewers.
    gc.freeze()
    output.announce(f"telemetry_stream {__version__}: live at {app.url}")
    where = _maybe_where_the_token_is(app, app.settings)
    if where is not None:
        output.announce(escaped(where))
    app.wait()


def _maybe_where_the_token_is(app: App, settings: Settings) -> str | None:
    """Return the line that is printed at each start with a token.

    It contains the token only once, and never in the journal, which keeps its lines for months.
    """
    if app.maybe_login_url is not None:
        saved = f"Access token saved in {app.token_path}"
        if logs.is_journal(sys.stdout, os.environ):
            return saved
        return f"{saved}. Open {app.maybe_login_url} (shown once)"
    if app.token_path:
        return f"Access token is in {app.token_path}"
    in_variable = "TELEMETRY_STREAM_TOKEN" in os.environ
    setting = "TELEMETRY_STREAM_TOKEN" if in_variable else "the settings file"
    places = [settings.token_file] if settings.token_file else []
    places += [setting] if settings.token else []
    if not places:
        return None
    return (
        f"Access {'tokens are' if settings.token_file else 'token is'} in {' and in '.join(places)}"
    )


def _close(app: App) -> None:
    """Close the app with fewer switches between threads: a waiting thread asks for the interpreter every 5 ms.

    When the threads of a thousand viewers end at once, these requests take half of the time (scripts/bench-restart: a
    stop takes 1.1 s without this, and 0.6 s with it).
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.05)
    try:
        app.close()
    finally:
        sys.setswitchinterval(usual)
