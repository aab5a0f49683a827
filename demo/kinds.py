"""Show how well each kind of the demo's captions is found: the planted causes, and what they do.

Reads rankings files of one split of the miniature COCO, its split file, and the kinds that
demo/render.py recorded; prints R@10 and the median rank of the caption queries of each kind. With
--surprise, also how well a captioner's surprise tells a kind from plain captions: by the area under
the ROC curve, and by how many of the 100 captions that their image explains least are of it.

    python -m demo.kinds --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz \\
        --split_file datasets/demo/test.json --kinds datasets/demo/annotations/caption_kinds.json \\
        --surprise runs/demo/cnn_lstm/surprise.json

Takes a second.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from error_analysis.predicting.agreement_features import GAIN, gain_features, read_gains
from error_analysis.queries.model_rankings import read_model_rankings
from information_retrieval.ranking.metrics import recall_at_k
from information_retrieval.ranking.query_ranks import QueryRanks
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.text_table import text_table
from preprocess.captions.split_file import read_split

N_LOWEST = 100
KINDS = ("plain", "typo", "long_modifier", "underspecified", "no_visual_content")


@dataclass
class KindsArguments:
    rankings: list[Path] = field(metadata={"help": "rankings .npz files of one gallery"})
    split_file: Path = field(metadata={"help": "split JSON that the rankings were made with"})
    kinds: Path = field(metadata={"help": "caption_kinds.json of demo.render"})
    surprise: Path | None = field(default=None, metadata={"help": "JSON of captioning.surprise"})


def kinds_table(ranks: dict[str, QueryRanks], kinds: np.ndarray) -> str:
    """Return the table of R@10 and median rank of each kind under each model.

    Args:
        ranks: by model, of the caption queries.
        kinds: (n_captions,) str.
    """
    known = [kind for kind in KINDS if (kinds == kind).any()]
    rows = [
        ["R@10, median rank", *known],
        ["caption queries", *(str((kinds == kind).sum()) for kind in known)],
    ]
    for name, of_model in ranks.items():
        found = [of_model.subset(kinds == kind) for kind in known]
        rows.append([name, *(f"{recall_at_k(r, 10):.1f}, {np.median(r.ranks()):g}" for r in found)])
    return "\n".join(text_table(rows, "l" + "r" * len(known)))


def gains_table(gains: np.ndarray, kinds: np.ndarray) -> str:
    """Return the table of what the image makes likelier, by kind.

    Args:
        gains: (n_captions,) nats a word, of captioning.surprise.
        kinds: (n_captions,) str.
    """
    lowest = np.argsort(gains, kind="stable")[:N_LOWEST]
    rows = [["surprise", "number", "mean gain", "AUC, of plain", f"of the lowest {N_LOWEST}"]]
    for kind in KINDS:
        of_kind = kinds == kind
        if not of_kind.any():
            continue
        auc = ""
        if kind != "plain" and (kinds == "plain").any():
            both = of_kind | (kinds == "plain")
            auc = f"{roc_auc_score(of_kind[both], -gains[both]):.2f}"
        found = str((kinds[lowest] == kind).sum())
        rows.append([kind, str(of_kind.sum()), f"{gains[of_kind].mean():.2f}", auc, found])
    return "\n".join(text_table(rows, "lrrrr"))


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
    print(kinds_table({m.name: m.query_ranks("t2i") for m in models}, kinds))
    if arguments.surprise is not None:
        known = read_gains(arguments.surprise, split)
        print(gains_table(gain_features(models[0].gallery, known)["t2i"][GAIN], kinds))


if __name__ == "__main__":
    run_command(main)
