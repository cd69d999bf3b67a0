"""psutil as the fallback for a kernel file that is missing, unreadable or invalid."""

from .system import psutil_sources

__all__ = ["psutil_sources"]
