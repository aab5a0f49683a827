"""What other commands found in the rankings of a report, read from their JSON files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from error_analysis.queries.model_rankings import ModelRankings
from error_analysis.site.comparing.captioners import AskedCaptioner, read_captioners
from error_analysis.site.sections.caption_or_image import (
    CaptionsOrImages,
    read_captions_or_images,
)
from error_analysis.site.sections.difficulty import Difficulty, read_difficulty
from error_analysis.site.sections.false_negatives import FalseNegatives, read_false_negatives
from error_analysis.site.sections.probes import Probes, read_probes
from error_analysis.site.sections.wins import NoiseFloor, read_noise_floor
from error_analysis.slicing.slice_findings import Finding
from error_analysis.slicing.slice_json import read_findings, read_members
from error_analysis.statistics.cascades import NamedCascade, read_cascades
from information_retrieval.ranking.query_ranks import Direction


@dataclass(frozen=True)
class Findings:
    """What is known beside the rankings; None: not given.

    Attributes:
        slices: groups of queries in which models differ, by question, and their false discovery
            rate (see `read_findings`).
        members: the ids of the queries in these groups (see `read_members`).
        noise_floor: wins of two runs of one model over each other.
        cascades: over the gallery of the models.
    """

    slices: tuple[Mapping[str, Sequence[Finding]], float] | None = None
    members: Mapping[Direction, Mapping[tuple[str, str], tuple[int, ...]]] = field(
        default_factory=dict
    )
    noise_floor: NoiseFloor | None = None
    false_negatives: FalseNegatives | None = None
    difficulty: Difficulty | None = None
    probes: Probes | None = None
    caption_or_image: CaptionsOrImages | None = None
    cascades: tuple[NamedCascade, ...] = ()
    captioners: tuple[AskedCaptioner, ...] = ()


def read_findings_files(
    models: Sequence[ModelRankings],
    slices: Path | None = None,
    comparison: Path | None = None,
    false_negatives: Path | None = None,
    difficulty: Path | None = None,
    probes: Sequence[Path] = (),
    caption_or_image: Path | None = None,
    cascades: Sequence[Path] = (),
    self_retrieval: Sequence[Path] = (),
) -> Findings:
    """Read those files that are given, the last two of other packages' commands.

    That of slices is of all models; the others may be of some of them.

    Raises:
        InputError: a file is missing, no such file, or of other rankings than the models'.
    """
    return Findings(
        read_findings(slices, models) if slices else None,
        read_members(slices) if slices else {},
        read_noise_floor(comparison, models) if comparison else None,
        read_false_negatives(false_negatives, models) if false_negatives else None,
        read_difficulty(difficulty, models) if difficulty else None,
        read_probes(probes, models),
        read_captions_or_images(caption_or_image, models) if caption_or_image else None,
        read_cascades(cascades, models[0]),
        read_captioners(self_retrieval, models),
    )
