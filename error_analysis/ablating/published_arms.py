"""What was published of arms of the same names, and whether it may be laid beside ours."""

from dataclasses import dataclass
from typing import Literal

from error_analysis.ablating.runs import ArmGallery
from information_retrieval.ranking.published import PUBLISHED
from information_retrieval.ranking.published_sx3hre import ARMS

Study = Literal["sx3hre"]
# Of a data set: the benchmark's name, and what its rows' names end with.
BENCHMARKS = {"coco": ("COCO 5K", "5k"), "flickr30k": ("Flickr30k 1K", "flickr30k")}


@dataclass(frozen=True)
class PublishedArms:
    """The published rows of a benchmark.

    Attributes:
        benchmark: of which they are.
        why_not: why the gallery at hand may not be compared with them; None where it may.
        recalls: by arm and the names of recalls, percent.
        source, why: where they are from, and what their tolerance rests on.
        tolerance: percentage points.
    """

    benchmark: str
    why_not: str | None
    recalls: dict[str, dict[str, float]]
    source: str
    why: str
    tolerance: float


def published_arms(gallery: ArmGallery) -> PublishedArms:
    """Return the rows of Sx3HRe's ablation that go with a gallery: Flickr30k's, or else COCO's."""
    dataset = "flickr30k" if gallery.dataset == "flickr30k" else "coco"
    benchmark, ending = BENCHMARKS[dataset]
    rows = {arm: PUBLISHED[f"sx3hre-{arm}-{ending}"] for arm in ARMS}
    row = next(iter(rows.values()))
    why_not = None
    if gallery.benchmark != benchmark:
        why_not = f"{gallery.name} is not {benchmark}"
        if gallery.why_no_benchmark:
            why_not += f": {gallery.why_no_benchmark}"
    recalls = {arm: row.recalls for arm, row in rows.items()}
    return PublishedArms(benchmark, why_not, recalls, row.source, row.why, row.i2t_tolerance)
