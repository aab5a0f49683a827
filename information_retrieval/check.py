"""Hold an evaluation against published recalls, and say what a difference usually comes from.

Reads the `metrics.json` that `evaluate` wrote; that of a 5k evaluation holds 1k and 5fold too.
Numbers of Flickr30k are compared where they are of Flickr30k 1K: Karpathy's 1,000 test images and
5,000 captions, and no others. The exit status is 1 when a recall is further from the published one
than its tolerance.

    python -m information_retrieval.check --metrics runs/clip/5k/metrics.json \\
        --expect clip-vit-b32-5k

The names that can be expected, with sources and tolerances:
information_retrieval/ranking/published.py.
"""

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from information_retrieval.ranking.published import PUBLISHED, Published
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import read_json

NAMES = ", ".join(PUBLISHED)
HALF_PRECISION = ("float16", "bfloat16")
FLICKR30K_1K = "Flickr30k 1K"
TITLES = {"coco": "COCO", "flickr30k": "Flickr30k"}
WHICH_GALLERY = {
    "coco": "which 1K: `1k` is the first 1,000 images, `5fold` the mean of five galleries",
    "flickr30k": "which captions: published numbers are of Karpathy's, as they were written; those "
    "of Kaggle's table are tokenised",
}
FEATURES = "features: of another detector or other settings than the checkpoint was trained with"


@dataclass
class CheckArguments:
    metrics: Path = field(metadata={"help": "metrics.json of an evaluation"})
    expect: str = field(metadata={"help": f"published recalls: {NAMES}"})


@dataclass(frozen=True)
class Difference:
    """A published recall and the one that was found, both in percent."""

    metric: str
    expected: float
    found: float
    tolerance: float

    @property
    def is_ok(self) -> bool:
        return abs(self.found - self.expected) <= self.tolerance


def recalls_of(content: Any, path: Path, published: Published) -> dict[str, float]:
    """Return the recalls of an evaluation that are of the published ones' gallery.

    Args:
        content: of `path`, the metrics file.

    Raises:
        InputError: the file holds no metrics, or none of that gallery.
    """
    try:
        metrics = table_of(content, path, published)["metrics"]
        found = {name: float(metrics[name]) for name in published.recalls}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: expected the metrics.json that `python -m information_retrieval.evaluate` "
            f"writes, found none of its recalls ({error!r})"
        ) from error
    if not all(map(math.isfinite, found.values())):
        raise InputError(f"{path}: expected recalls in percent, found {found}; evaluate again")
    return found


def table_of(content: dict, path: Path, published: Published) -> dict:
    """Return what a metrics file holds of the published ones' data set and protocol.

    Of Flickr30k it must be called Flickr30k 1K there. What calls itself neither coco nor flickr30k
    may be COCO by another name.

    Raises:
        InputError: it holds metrics of the other data set, of another protocol, or of other images.
    """
    tables = {content["protocol"]: content, **content.get("other_protocols", {})}
    dataset = content.get("metadata", {}).get("dataset")
    wanted, protocol = TITLES[published.dataset], published.protocol
    if dataset in TITLES and dataset != published.dataset:
        raise InputError(
            f"{path}: expected metrics of {wanted}, found those of {TITLES[dataset]}; --expect "
            f"what was published of {TITLES[dataset]}"
        )
    if published.dataset == "flickr30k":
        for table in tables.values():
            if table.get("benchmark") == FLICKR30K_1K:
                return table
        raise InputError(f"{path}: {_why_not_flickr30k_1k(content, list(tables))}")
    if protocol not in tables:
        raise InputError(
            f"{path}: expected metrics of protocol {protocol}, found {', '.join(tables)}; evaluate "
            f"{wanted}'s Karpathy test split with --protocol {protocol}"
        )
    return tables[protocol]


def _why_not_flickr30k_1k(content: dict, protocols: list[str]) -> str:
    metadata = content.get("metadata", {})
    found = content.get("no_benchmark") or (
        f"found protocol {', '.join(protocols)} of split {metadata.get('split')!r} of data set "
        f"{metadata.get('dataset')!r}"
    )
    return (
        f"expected metrics of {FLICKR30K_1K}, Karpathy's 1,000 test images and their 5,000 "
        f"captions: {found}; evaluate that split (docs/flickr30k.md), or, if the metrics are an "
        "earlier version's, repeat `evaluate`, which scores nothing again"
    )


def differences(found: dict[str, float], published: Published) -> list[Difference]:
    """Compare recalls in percent, metric by metric."""
    return [
        Difference(
            metric,
            expected,
            found[metric],
            published.tolerance(metric),
        )
        for metric, expected in published.recalls.items()
    ]


def causes(metadata: dict[str, object], published: Published) -> list[str]:
    """Return what to look at first: what the metadata show, then what is usual."""
    negatives = metadata.get("negative_images") == "True"
    wanted = "--negative_images" in published.options
    shown = []
    if negatives and not wanted:
        shown.append("the images were made negatives (--negative_images): leave that out")
    if wanted and not negatives:
        shown.append("the published number was made on negatives: evaluate with --negative_images")
    if published.is_hub_id and metadata.get("model") != published.model:
        shown.append(f"the model is {metadata.get('model')}, the published one {published.model}")
    if metadata.get("dtype") in HALF_PRECISION and "--dtype" not in published.options:
        shown.append(f"scores in {metadata['dtype']} tie and swap neighbours: use --dtype float32")
    if metadata.get("split") != "test":
        shown.append(f"the split is {metadata.get('split')}, the published one Karpathy's test")
    if published.shortlist not in (None, metadata.get("shortlist")):
        shown.append(
            f"the published numbers order the contrastive scores' top {published.shortlist} by the "
            "matching head: of all pairs, or of another shortlist, they differ"
        )
    return [
        *shown,
        WHICH_GALLERY[published.dataset],
        "captions: five an image in the gallery; one an image moves recalls by 20 points",
        "pixels: another resize filter, crop or aspect ratio than the checkpoint's own; "
        "`python -m information_retrieval.preflight` asks",
        *([FEATURES] if published.reads_regions else []),
    ]


def main() -> None:
    args = parse_arguments(CheckArguments, description=__doc__)
    if args.expect not in PUBLISHED:
        raise InputError(f"--expect {args.expect}: expected one of {NAMES}")
    published = PUBLISHED[args.expect]
    content = read_json(args.metrics, "`python -m information_retrieval.evaluate` writes it")
    compared = differences(recalls_of(content, args.metrics, published), published)
    print(
        f"{args.expect}: {published.source}, {TITLES[published.dataset]}, protocol "
        f"{published.protocol}; model: {published.model}"
    )
    print(f"{'':8}{'published':>10}{'found':>8}{'difference':>12}")
    for d in compared:
        verdict = "OK" if d.is_ok else f"not OK (tolerance {d.tolerance}: {published.why})"
        change = d.found - d.expected
        print(f"{d.metric:8}{d.expected:10.2f}{d.found:8.2f}{change:+12.2f}  {verdict}")
    n_off = sum(not d.is_ok for d in compared)
    if n_off:
        print("What usually causes a difference:")
        metadata = content.get("metadata")
        for cause in causes(metadata if isinstance(metadata, dict) else {}, published):
            print(f"  - {cause}")
        sys.exit(f"error: {n_off} of {len(compared)} recalls differ from the published ones")
    tolerances = sorted({d.tolerance for d in compared})
    print(f"OK: all {len(compared)} recalls are within {' and '.join(map(str, tolerances))}")


if __name__ == "__main__":
    run_command(main)
