"""What is sent: the host's numbers, read from /proc and /sys (psutil behind them). Knows no sockets and no viewers."""
