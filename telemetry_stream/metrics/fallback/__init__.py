"""What psutil answers where a kernel file is missing, unreadable or invalid."""

from .host import psutil_sources

__all__ = ["psutil_sources"]
