"""What does not change while a host runs: kernel, operating system, board (collectors uname, os and dmi)."""

from __future__ import annotations

import functools
import os
import re
import shlex
from collections.abc import Iterator, Mapping

from ..exposition import Family, labels
from .host import Host, attributes, names_in, text_of

UNAME = {
    "domainname": "domainname",
    "nodename": "hostname",
    "release": "osrelease",
    "sysname": "ostype",
    "version": "version",
}
OS = (
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
)
ESCAPED = re.compile(r"[\\\"$`]")
OS_VERSION = re.compile(r"\d+\.?\d*")
# The label has "system" for the file sys_vendor. Only root may read serial numbers.
DMI = {"sys_vendor": "system_vendor"}
DMI_FILE = re.compile(r"(bios|board|chassis|product|sys)_\w+$")


def collect_uname(host: Host) -> Iterator[Family]:
    """Yield the names of uname(2). Raises OSError."""
    found = {label: text_of(host.proc(f"sys/kernel/{file}")) for label, file in UNAME.items()}
    found["machine"] = os.uname().machine  # The kernel is the same in every container.
    text = "Labeled system information as provided by the uname system call."
    yield _info("node_uname_info", text, found)


def collect_os(host: Host) -> Iterator[Family]:
    """Yield what os-release(5) has. Raises ValueError for a quotation without an end."""
    content = host.maybe_etc("os-release")
    if content is None:
        return
    found = parse_os_release(content)
    text = (
        "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, "
        "pretty_name, variant, variant_id, version, version_codename, version_id."
    )
    yield _info("node_os_info", text, found)
    match = OS_VERSION.match(found["version_id"])
    if match:
        name = {label: found[label] for label in ("id", "id_like", "name")}
        text = "Metric containing the major.minor part of the OS version."
        yield Family("node_os_version", "gauge", text, [(labels(name), float(match.group()))])


# The file is the same at each scrape.
@functools.lru_cache(maxsize=1)
def parse_os_release(content: bytes) -> Mapping[str, str]:
    """Return the values of OS by name, empty if the file has none. Raises ValueError."""
    found = dict.fromkeys(OS, "")
    for line in content.decode("utf-8", "replace").splitlines():
        key, _, value = line.strip().partition("=")
        if key.lower() in found:
            # shlex takes 10 µs for a word, and most are quoted in the simple way.
            is_plain = value[:1] == value[-1:] == '"' and not ESCAPED.search(value[1:-1])
            found[key.lower()] = value[1:-1] if is_plain else "".join(shlex.split(value))
    return found


def collect_dmi(host: Host) -> Iterator[Family]:
    """Yield the description of the board. Raises FileNotFoundError if there is no DMI."""
    directory = host.sys("class/dmi/id")
    found = attributes(directory, filter(DMI_FILE.match, names_in(directory)))
    text = "A metric with a constant '1' value labeled by what the Desktop Management Interface (DMI) has."
    yield _info("node_dmi_info", text, {DMI.get(name, name): of for name, of in found.items()})


def _info(name: str, text: str, found: Mapping[str, str]) -> Family:
    return Family(name, "gauge", text, [(labels(dict(sorted(found.items()))), 1)])
