"""The command line: settings in, one program run, an exit status out.

0 after SIGTERM or SIGINT; 1 if a thread of ours died; 2, with one line that says why, if it cannot start.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys

from . import __version__
from .app import App, StartError
from .settings import SettingsError, load


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop."""
    try:
        settings = load(sys.argv[1:] if arguments is None else arguments, os.environ)
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        )
        app = App(settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: app.stop())
        app.start()
    except (SettingsError, StartError) as error:
        print(f"telemetry-stream: {error}", file=sys.stderr)
        return 2
    gc.freeze()  # what was imported and built stays; looking at it again and again is a pause for every viewer
    print(f"telemetry_stream {__version__}: live at {app.url}", flush=True)
    app.wait()
    app.close()
    if app.failure is not None:
        print(f"telemetry-stream: ended by an error: {app.failure!r}", file=sys.stderr)
        return 1
    return 0
