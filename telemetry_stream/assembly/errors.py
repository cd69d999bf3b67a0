"""Why the program cannot start."""


class StartError(Exception):
    """The program cannot start: one sentence with the reason."""


class TemporaryStartError(StartError):
    """The program cannot start now, but another attempt may succeed: the port is in use, the network is not up."""
