"""The depth of foreign JSON, checked before it is parsed.

The parser of the standard library recurses in C. Python 3.13 counts its levels and does not look at the stack that is
left, so on the small stacks of this program a text of 3000 brackets would end the process with a segmentation fault.
"""

from __future__ import annotations

import re

# Messages of the protocol have 10 levels. 1500 fit into a stack of 256 KiB.
MAX_LEVELS = 100
# A text with fewer brackets is never too deep, so a usual sample costs two counts.
MAX_FREE_BRACKETS = 500

_NOT_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_STRING = re.compile(rb'"[^"]*"')


def check_nesting(text: str | bytes) -> None:
    """Raise ValueError if ``text`` has too many levels, or many brackets that do not match, so that it is not JSON."""
    raw = text.encode(errors="replace") if isinstance(text, str) else text
    if raw.count(b"[") + raw.count(b"{") <= MAX_FREE_BRACKETS:
        return
    if b"\\" in raw:
        raw = _ESCAPE.sub(b"", raw)
    brackets = _STRING.sub(b"", raw.translate(None, _NOT_BRACKETS))
    for _ in range(MAX_LEVELS):  # each turn removes the innermost level
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return
    raise ValueError(f"has more than {MAX_LEVELS} levels, or brackets that do not match")
