"""What a campaign found: how often things held, and what happened where they did not."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Result:
    """What became of the trials of one kind.

    Attributes:
        name: of the command or file.
        outcomes: how many trials ended in each way.
        failures: a line for each trial that ended in a way that must not be.
    """

    name: str
    outcomes: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def n_trials(self) -> int:
        return sum(self.outcomes.values())

    def held(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def failed(self, line: str) -> None:
        self.outcomes["failed"] += 1
        self.failures.append(f"{self.name}: {line}")


def markdown_table(title: str, results: list[Result], columns: tuple[str, ...]) -> str:
    """Return a table of one row a result: trials, how many ended in each way, and failed."""
    names = (title, "trials", *columns, "failed")
    rows = [names, ("---", *["--:"] * (len(names) - 1))]
    for result in results:
        counts = [result.outcomes[column] for column in (*columns, "failed")]
        rows.append((result.name, result.n_trials, *counts))
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
