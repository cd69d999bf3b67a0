r"""Escapes text of the host or the network before a terminal or a log shows it.

A process, a mount or a client can choose its name. Control characters could begin a new line or change the terminal,
bidirectional ones show a text in another order than it has (CVE-2021-42574), and invisible ones make two names look
equal. All of them are shown as Python writes them: ``\x1b``, ``\u202e``.
"""

from __future__ import annotations

import re

# Letters and marks that no font shows (Default_Ignorable_Code_Point of UAX #44), and that str.isprintable accepts.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def escaped(text: str) -> str:
    """Return ``text`` with escapes for control, bidirectional and invisible characters, and for lone surrogates."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c.isprintable() and not INVISIBLE.match(c) else _escape(ord(c)) for c in text
    )


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
