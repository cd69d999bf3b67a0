"""Sampling of the host: numbers from /proc and /sys, with psutil as the fallback. Needs no sockets and no viewers."""
