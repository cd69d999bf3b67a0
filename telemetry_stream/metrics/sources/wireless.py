"""The signal of Wi-Fi interfaces from /proc/net/wireless (net/wireless/wext-proc.c).

     wlan0: 0000   54.  -56.  -256        0      0      0      0     43        0

After the name: status, link quality, signal level, noise. A dot marks a value that is new. The level is in dBm if it is
negative; older drivers have a scale of their own, which is left out. Reading takes the rtnl lock and asks the driver,
so it is done on a worker, and only if an interface is wireless. The file needs a kernel with CFG80211_WEXT, and has no
line for a device that is capable of multi-link operation, as those of Wi-Fi 7 are (get_wireless_stats() in
net/wireless/wext-core.c).
"""

from __future__ import annotations

from collections.abc import Mapping

LEVEL = 2
# IW_QUAL_DBM: a level is a byte, of which 0x100 was subtracted. -256 stands for "unknown".
LEAST_DBM, MOST_DBM = -192, -1


def parse(content: bytes) -> Mapping[str, int]:
    """Return the signal levels in dBm by interface. Lines without one are skipped."""
    levels: dict[str, int] = {}
    for line in content.split(b"\n"):
        name, colon, rest = line.rpartition(b":")
        words = rest.split()
        if colon and len(words) > LEVEL:
            try:
                level = int(words[LEVEL].removesuffix(b"."))
            except ValueError:
                continue
            if LEAST_DBM <= level <= MOST_DBM:
                levels[name.strip().decode("utf-8", "replace")] = level
    return levels
