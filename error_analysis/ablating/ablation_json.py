"""The JSON of compared arms."""

from collections.abc import Sequence
from dataclasses import asdict

from error_analysis.ablating.arms import ComparedArms
from error_analysis.ablating.order import OrderStep
from error_analysis.ablating.published_arms import PublishedArms


def gallery_to_json(
    compared: ComparedArms, steps: Sequence[OrderStep], published: PublishedArms | None
) -> dict:
    """Return a gallery's arms, pairs, verdicts on the stated order, and published rows."""
    gallery = compared.gallery
    return {
        "name": gallery.name,
        "dataset": gallery.dataset,
        "split": gallery.split,
        "split_file": str(gallery.split_file),
        "protocol": gallery.protocol,
        "benchmark": gallery.benchmark,
        "gallery": {"images": gallery.n_images, "captions": gallery.n_captions},
        "arms": {
            arm: {
                "rankings": [
                    {"path": str(r.path), "model": r.model, "ranks_sha256": r.ranks_sha256}
                    for r in gallery.runs[arm]
                ],
                "metrics": {name: asdict(found) for name, found in metrics.items()},
            }
            for arm, metrics in compared.arms.items()
        },
        "pairs": [asdict(pair) for pair in compared.pairs],
        "order": [asdict(step) for step in steps],
        "published": asdict(published) if published else None,
    }
