"""Show how well each kind of the demo's captions is found: the planted causes, and what they do.

Reads rankings files of one split of the miniature COCO, its split file, and the kinds that
demo/render.py recorded; prints R@10 and the median rank of the caption queries of each kind.

    python -m demo.kinds --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --kinds datasets/demo/annotations/caption_kinds.json

Takes a second.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from error_analysis.model_rankings import read_model_rankings
from information_retrieval.metrics import recall_at_k
from preprocess.command_line import parse_arguments, run_command
from preprocess.errors import InputError
from preprocess.files import read_json
from preprocess.split_file import read_split

KINDS = ("plain", "typo", "long_modifier", "underspecified", "no_visual_content")


@dataclass
class KindsArguments:
    rankings: list[Path] = field(metadata={"help": "rankings .npz files of one gallery"})
    split_file: Path = field(metadata={"help": "split JSON that the rankings were made with"})
    kinds: Path = field(metadata={"help": "caption_kinds.json of demo.render"})


def kinds_table(ranks: dict[str, np.ndarray], kinds: np.ndarray) -> str:
    """Return the table of R@10 and median rank of each kind under each model.

    Args:
        ranks: by model, (n_captions,) float64 ranks of the caption queries.
        kinds: (n_captions,) str.
    """
    lines = [f"{'caption queries':22}" + "".join(f"{name:>24}" for name in ranks)]
    for kind in KINDS:
        of_kind = kinds == kind
        cells = [
            f"R@10 {recall_at_k(r[of_kind], 10):.1f}, median {np.median(r[of_kind]):g}"
            for r in ranks.values()
            if of_kind.any()
        ]
        lines.append(f"{kind:18}{of_kind.sum():>4}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    arguments = parse_arguments(KindsArguments, description=__doc__)
    split = read_split(arguments.split_file)
    models = read_model_rankings(arguments.rankings, split)
    recorded = read_json(arguments.kinds, "make it with `python -m demo.render`")
    try:
        kinds = np.array([recorded[str(i)]["kind"] for i in models[0].gallery.caption_ids])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{arguments.kinds}: no kind of caption {error}; give the file that was "
            "rendered with this split"
        ) from error
    print(kinds_table({m.name: m.query_ranks("t2i").ranks() for m in models}, kinds))


if __name__ == "__main__":
    run_command(main)
