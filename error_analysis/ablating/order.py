"""Whether arms come out in a stated order, as a claim about an ablation says."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from error_analysis.ablating.arms import ComparedArms, PairMetric
from error_analysis.statistics.resampling import SAME
from information_retrieval.ranking.published import RECALLS
from preprocess.base.errors import InputError

Verdict = Literal["holds beyond noise", "holds", "not", "reversed"]
FEWEST_SEEDS = 3
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class OrderStep:
    """Whether an arm is above the next one of the stated order, by the names of recalls."""

    better: str
    worse: str
    recalls: dict[str, Verdict]


def check_order(order: Sequence[str], arms: Sequence[str]) -> None:
    """Raise InputError unless `order` names two or more of the arms, each once."""
    unknown = [name for name in order if name not in arms]
    if unknown or len(set(order)) != len(order) or len(order) == 1:
        raise InputError(
            f"--order {' '.join(order)}: expected two or more arms of {', '.join(arms)}, each "
            "once, the best first"
        )


def verdict(found: PairMetric) -> Verdict:
    """Say whether the first arm is above the second.

    Returns:
        "holds beyond noise": neither the images nor the seeds may be the reason: the interval of
        the difference lies above 0, and all seeds are separated, three of each arm or more (of two,
        chance alone separates them once in six);
        "holds": the mean is larger, and no more; "reversed": the second is above the first beyond
        noise; "not": otherwise.
    """
    told_apart = found.separated is True and len(found.seeds) >= FEWEST_SEEDS
    if found.value > SAME:
        return "holds beyond noise" if found.low > 0 and told_apart else "holds"
    return "reversed" if found.high < 0 and told_apart else "not"


def order_steps(compared: ComparedArms, order: Sequence[str]) -> list[OrderStep]:
    """Return a verdict of each two neighbours of a stated order, the best first.

    Args:
        compared: of a gallery whose arms begin in this order.
    """
    pairs = {(pair.first, pair.second): pair.metrics for pair in compared.pairs}
    return [
        OrderStep(*names, {name: verdict(pairs[names][name]) for name in RECALLS})
        for names in pairwise(order)
    ]


def order_line(step: OrderStep, n_seeds: int) -> str:
    """Return the verdicts in one line: "itc above none: holds beyond noise (4 of 6: ...); ..."."""
    parts = []
    for said in VERDICTS:
        names = [name.replace("_r", " R@") for name, of in step.recalls.items() if of == said]
        if names:
            where = ": " + ", ".join(names) if len(names) < len(RECALLS) else ""
            parts.append(f"{said} ({len(names)} of {len(RECALLS)}{where})")
    few = f"; {FEWEST_SEEDS} seeds at least tell noise, not {n_seeds}" * (n_seeds < FEWEST_SEEDS)
    return f"{step.better} above {step.worse}: {'; '.join(parts)}{few}"
