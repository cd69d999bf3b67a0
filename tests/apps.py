"""Settings for an app of a test."""

from __future__ import annotations

from telemetry_stream import Settings

FAST = Settings(port=0, interval=0.1)
