"""A reason why a query may be hard, with what shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """What a rule found about one query.

    Attributes:
        name: of the rule, such as "typo".
        evidence: a short line to show beside the query, such as "giarffs, for giraffes".
        repair: the caption as it was probably meant; None where the rule repairs nothing.
    """

    name: str
    evidence: str
    repair: str | None = None
