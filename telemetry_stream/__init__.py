"""Live telemetry of a Linux host over WebSocket. No viewer, however slow, costs another viewer anything.

As a program: ``python -m telemetry_stream``. Inside another program::

    from telemetry_stream import App, Settings

    with App(Settings(port=0)) as app:
        print("live at", app.url)
        ...

The public names are loaded when they are first used (PEP 562), so ``import telemetry_stream.metrics`` loads
neither the server nor the sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import App, StartError, TemporaryStartError
    from .metrics.source import Now, Source
    from .settings import Settings, SettingsError

__all__ = [
    "App",
    "Now",
    "Settings",
    "SettingsError",
    "Source",
    "StartError",
    "TemporaryStartError",
    "__version__",
]

__version__ = "0.1.0"  # setup.cfg reads it from here without running the file

_MODULES = {
    "App": "telemetry_stream.app",
    "Now": "telemetry_stream.metrics.source",
    "Settings": "telemetry_stream.settings",
    "SettingsError": "telemetry_stream.settings",
    "Source": "telemetry_stream.metrics.source",
    "StartError": "telemetry_stream.app",
    "TemporaryStartError": "telemetry_stream.app",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module, once."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 (only needed for these names)

    value: object = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the lazy names too."""
    return sorted({*globals(), *__all__})
