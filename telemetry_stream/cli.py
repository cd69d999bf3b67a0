"""The command line: settings in, one program run, an exit status out.

0 after SIGTERM or SIGINT; 1 if a thread of ours died; 2, with one line that says why, if it cannot start. SIGHUP has
tokens and certificate read again. ``telemetry-stream token [NAME]`` prints a line for a token file, and does no more.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from signal import SIGHUP, SIGINT, SIGTERM

from . import __version__, descriptors, logs, systemd
from .access.guard import GuardError, token_line
from .app import AddressError, App, StartError
from .settings import SettingsError, load
from .signals import Signals

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop."""
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        if given[:1] == ["token"]:
            print(token_line(given[1:]))
            return 0
        notifier = systemd.maybe_notifier(os.environ, os.getpid())
        listening = systemd.maybe_listening(os.environ, os.getpid())
        if listening is not None:
            # Where we are is for the .socket unit to say; who is let in there, the settings decide as anywhere.
            host, port = listening.getsockname()[:2]
            given += ["--host", host, "--port", str(port)]
        settings = load(given, os.environ)
        logs.configure(settings.log_level, settings.log_format, os.environ)
        on_ready = None if notifier is None else notifier.ready
        shortage = descriptors.maybe_raise_limit(settings.max_connections)
        if shortage is not None:
            log.warning("%s", shortage)
        app = App(settings, listening=listening, on_ready=on_ready)
        actions = {SIGTERM: app.stop, SIGINT: app.stop, SIGHUP: app.reload}
        with Signals(actions):
            return _serve(app, notifier)
    except (SettingsError, GuardError, StartError, systemd.SystemdError) as error:
        print(f"telemetry-stream: {error}", file=sys.stderr)
        return 1 if isinstance(error, AddressError) else 2


def _serve(app: App, notifier: systemd.Notifier | None) -> int:
    app.start()
    if notifier is not None:
        notifier.start(app.maybe_problem)
    gc.freeze()  # what was imported and built stays; looking at it again and again is a pause for every viewer
    print(f"telemetry_stream {__version__}: live at {app.url}", flush=True)
    if app.maybe_login_url is not None:
        # A journal is a log, and keeps for months what lets in.
        shown = (
            app.kept_token_path if logs.is_journal(sys.stdout, os.environ) else app.maybe_login_url
        )
        print(f"a token has been made, and this is shown once; log in with {shown}", flush=True)
    app.wait()
    if notifier is not None:
        notifier.close()
    _close(app)
    if app.failure is not None:
        print(f"telemetry-stream: ended by an error: {app.failure!r}", file=sys.stderr)
        return 1
    return 0


def _close(app: App) -> None:
    """Close it without haste between threads: whoever waits asks the running one for the interpreter every 5 ms.

    Where a thousand viewers' threads end at once, that alone took half of the time (scripts/bench-restart: a stop of
    1.1 s, and of 0.6 s with this).
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.05)
    try:
        app.close()
    finally:
        sys.setswitchinterval(usual)
