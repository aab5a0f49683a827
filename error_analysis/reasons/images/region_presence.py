"""Detector or matcher? Whether a missed caption's objects are among its image's regions.

LXMERT sees an image as the regions of a detector. A caption query that it misses has either lost
its objects there ("region absent"), or its objects were seen and matched badly. Only objects that
the detector has a label for can be looked for. A label counts from a score on (see
`objects.MIN_SCORE`), as the labels of the lowest regions are guesses.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from error_analysis.queries.query import Query
from error_analysis.reasons.images.objects import Objects

Verdict = Literal["region absent", "matched badly", "nothing to look for"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class RegionPresence:
    """What became of the objects that a caption names, in the regions of its own image.

    Attributes:
        caption_id, image_id: the query and its ground truth.
        verdict: "region absent" where any of the objects has no region.
        found, absent: the objects that have a region and those that have none.
    """

    caption_id: int
    image_id: int
    verdict: Verdict
    found: tuple[str, ...]
    absent: tuple[str, ...]

    @property
    def evidence(self) -> str:
        """A short line to show beside the query, such as "no region of dog; seen: cat"."""
        parts = [f"no region of {', '.join(self.absent)}"] if self.absent else []
        parts += [f"seen: {', '.join(self.found)}"] if self.found else []
        return "; ".join(parts) or "the caption names nothing that the detector knows"


def region_presence(queries: Iterable[Query], detected: Objects) -> list[RegionPresence]:
    """Look for the objects of caption queries among the regions of their images.

    A word for several categories ("animal") is not looked for.

    Args:
        queries: t2i, such as the hard ones.
        detected: of `read_detected`, over the queries' images.

    Raises:
        InputError: an image was not read.
    """
    vocabulary = detected.vocabulary
    found = []
    for query in queries:
        seen = set(detected.shares(query.item.image_id))
        asked = query.item.as_caption()
        named = sorted(vocabulary.named(asked.caption))
        absent = tuple(category for category in named if category not in seen)
        verdict: Verdict = "nothing to look for"
        if named:
            verdict = "region absent" if absent else "matched badly"
        found.append(
            RegionPresence(
                asked.caption_id,
                query.item.image_id,
                verdict,
                tuple(category for category in named if category in seen),
                absent,
            )
        )
    return found


def count_verdicts(presences: Iterable[RegionPresence]) -> dict[Verdict, int]:
    """Count the queries of each verdict, in the order of `VERDICTS`."""
    counts = Counter(presence.verdict for presence in presences)
    return {verdict: counts[verdict] for verdict in VERDICTS}
