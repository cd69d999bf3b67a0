"""The Prometheus page: the kernel's counters under node_exporter's names, and the newest sample. See page.py."""
