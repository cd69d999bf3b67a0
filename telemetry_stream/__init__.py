"""Live telemetry of a Linux host, pushed over WebSocket to every viewer; no viewer costs another anything.

As a program: ``python -m telemetry_stream``. Inside another program::

    from telemetry_stream import App, Settings

    with App(Settings(port=0)) as app:
        print("live at", app.url)
        ...

``App`` and ``Settings`` are loaded when first asked for (PEP 562), so ``import telemetry_stream.metrics`` brings
neither the server nor the sockets with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app import App
    from .settings import Settings

__all__ = ["App", "Settings", "__version__"]

__version__ = "0.1.0"  # the one place; setup.cfg reads it from here without running the file

_HOMES = {"App": "telemetry_stream.app", "Settings": "telemetry_stream.settings"}


def __getattr__(name: str) -> object:
    """Load a public name from its home, once."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 (an import that needs neither name does not pay for it)

    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what is lazy, too."""
    return sorted({*globals(), *__all__})
