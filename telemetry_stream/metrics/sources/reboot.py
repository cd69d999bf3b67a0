"""Whether the host should be rebooted: the distribution reports it, or a newer kernel is installed.

Debian and Ubuntu make /run/reboot-required after an update that requires it. Every distribution has a directory in
/lib/modules for each installed kernel. Kernels of another form of name (another flavour, or one that the distribution
did not build) are not compared. The directories may be on a disk that sleeps or on a server that is gone, so a worker
reads them (system.py).
"""

from __future__ import annotations

import os
import re

FLAGS = ("run/reboot-required", "var/run/reboot-required")
MODULES = "lib/modules"
# In the directory of every kernel that is installed. Modules of other packages may remain without their kernel.
OF_KERNEL = "modules.builtin"
NUMBER = re.compile(r"\d+")
# The last word of a release: v8 of 6.6.51+rpt-rpi-v8. Its number is that of a processor, so kernels of several flavours
# are installed side by side. rc4, rt56 and r1 are versions.
FLAVOUR = re.compile(r"-(?!(?:rc?|rt)\d+$)([A-Za-z][^-]*)$")


class Reboot:
    """Whether a reboot is required on the host with this root. The directory is listed again when it has changed.

    Only one worker at a time uses it.
    """

    def __init__(self, root: str, running: str) -> None:
        """``running`` is the release of the running kernel."""
        self._flags = [os.path.join(root, name) for name in FLAGS]
        self._modules = os.path.join(root, MODULES)
        self._running = running
        self._changed_at: int | None = None
        self._newer: list[str] = []  # what marks each newer kernel

    def maybe_required(self) -> bool | None:
        """Return whether it is; None if the host has neither the flag nor modules."""
        if any(map(os.path.exists, self._flags)):
            return True
        try:
            changed_at = os.stat(self._modules).st_mtime_ns
            if changed_at != self._changed_at:
                self._newer = [
                    os.path.join(self._modules, name, OF_KERNEL)
                    for name in os.listdir(self._modules)
                    if is_newer(name, self._running)
                ]
                self._changed_at = changed_at
        except OSError:
            return None
        return any(map(os.path.exists, self._newer))


def is_newer(release: str, running: str) -> bool:
    """Return whether a release is a newer one of the same kind: ``6.1.0-30-amd64`` and ``6.1.0-28-amd64``."""
    if NUMBER.split(release) != NUMBER.split(running):
        return False
    if FLAVOUR.findall(release) != FLAVOUR.findall(running):
        return False
    numbers, own = ([int(number) for number in NUMBER.findall(name)] for name in (release, running))
    return numbers > own
