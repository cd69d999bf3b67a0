"""Which on-demand sections a query to a host can name.

A host refuses a whole query because of one section that it does not know, for example because it is older than this
program. It does not report which. So if it has refused several, they are named one at a time.
"""

from __future__ import annotations

_NONE = frozenset[str]()


class NameableSections:
    """What one host is known to accept and to refuse, in its present run.

    Without a lock: the lines that use it follow each other, and sets are replaced, not changed.
    """

    def __init__(self) -> None:
        self._stream = ""  # the present run
        self._accepted = _NONE
        self._refused = _NONE
        self._is_one_by_one = False
        self._unexplained = _NONE  # what was named in the last query, if it was refused

    def choose(self, wanted: frozenset[str]) -> frozenset[str]:
        """Return the sections to name: those that are wanted and not refused, and at most one of them for a try."""
        untried = sorted(wanted - self._accepted - self._refused)
        return wanted & self._accepted | frozenset(untried[:1] if self._is_one_by_one else untried)

    def note_refusal(self, named: frozenset[str]) -> None:
        """Note that a query that named these was refused. The next query must name no sections at all."""
        self._unexplained = named  # none: the sections were not the reason

    def note_answer(self, named: frozenset[str], stream: str) -> None:
        """Note that a query that named these was answered by this run."""
        refused, self._unexplained = self._unexplained, _NONE
        if stream != self._stream:
            # It may be another version, with other sections, also when it refused the query.
            self._stream = stream
            self._accepted = self._refused = _NONE
            self._is_one_by_one = False
        elif refused:
            self._explain(refused)
        self._accepted |= named

    def _explain(self, refused: frozenset[str]) -> None:
        suspects = refused - self._accepted or refused
        self._accepted -= suspects
        if len(suspects) > 1 and not self._is_one_by_one:
            self._is_one_by_one = True
        else:
            self._refused |= suspects
