"""Counts of what was left out or changed, each with the first few by name."""

NAMED = 3


class Tally:
    """How many of each kind, in the order in which they were first met.

    Attributes:
        counts: kind -> number, 0 for what was announced and not met.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._first: dict[str, list[str]] = {}

    def announce(self, kind: str) -> None:
        self.counts.setdefault(kind, 0)

    def add(self, kind: str, name: str, number: int = 1) -> None:
        """Count, in English a plural such as "crowd annotations", with the name of one."""
        self.counts[kind] = self.counts.get(kind, 0) + number
        first = self._first.setdefault(kind, [])
        if len(first) < NAMED:
            first.append(name)

    def lines(self) -> list[str]:
        """Return a line a kind: "1,203 crowd annotations: image 5; image 8; image 9; ..."."""
        return [f"{number:,} {kind}{self._shown(kind)}" for kind, number in self.counts.items()]

    def _shown(self, kind: str) -> str:
        first = self._first.get(kind)
        if not first:
            return ""
        return ": " + "; ".join(first) + ("; ..." if self.counts[kind] > len(first) else "")
