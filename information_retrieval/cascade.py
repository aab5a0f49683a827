"""Order the best documents of a first model, such as CLIP, by LXMERT: a cascade.

Reads the first model's rankings, the split, its `{split}_features.h5` and an LXMERT checkpoint.
LXMERT scores the pairs on the top k of either direction, and each query's k documents are ordered
by it alone. What is not on a shortlist is not ordered: the rank of a query without a ground truth
there is censored, known only to be k or more.

Writes an .npz (format: information_retrieval/combining/cascade_result.py), which is no rankings
file and which `error_analysis` refuses, and `metrics.json` beside it; prints the table.

    python -m information_retrieval.cascade --rankings runs/clip/test.npz --shortlist 100 \\
        --model_name_or_path runs/lxmert --data_dir datasets/coco --output runs/cascade/test.npz

At 5k, k = 100 is at most 3 million pairs of 125. Memory: the first model's scores (0.5 GB for 5k)
and LXMERT's encodings (2 GB). Scores are kept in memory until all are there: killed, the command
leaves nothing half-done, and starts again. The demo takes half a minute on a CPU core.

Rankings made for 5fold hold the scores of all pairs of their 5,000 images, as those for 5k do. The
cascade takes them as that one gallery, and says so.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from information_retrieval.combining.cascade_result import (
    cascade_summary,
    cascade_table,
    write_cascade,
)
from information_retrieval.combining.shortlist import (
    rank_shortlists,
    shortlists,
    union_of_pairs,
)
from information_retrieval.models.arguments import DataArguments, InputArguments, ModelArguments
from information_retrieval.ranking.benchmark_names import with_benchmark
from information_retrieval.ranking.gallery import check_made_by, check_not_input, gallery_of
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rankings import read_rankings
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile


@dataclass
class CascadeArguments:
    rankings: Path = field(metadata={"help": "rankings .npz of the first model"})
    shortlist: int = field(
        metadata={"help": f"k, documents that LXMERT orders for each query; {max(CUTOFFS)} or more"}
    )
    output: Path = field(metadata={"help": "the .npz to write; metrics.json goes beside"})
    split: str = field(default="test", metadata={"help": "split of the rankings"})
    dtype: Literal["float32", "bfloat16", "float16"] = field(
        default="float32", metadata={"help": "type that LXMERT computes in (autocast)"}
    )
    batch_size: int = field(default=64, metadata={"help": "images or captions encoded at once"})
    block_pairs: int = field(default=512, metadata={"help": "pairs scored at once"})
    device: str | None = field(
        default=None,
        metadata={"help": "torch device to compute on. Default: a GPU if there is one, else cpu"},
    )


def main() -> None:
    model_arguments, odd, data, args = parse_arguments(
        ModelArguments, InputArguments, DataArguments, CascadeArguments, description=__doc__
    )
    # Not above: torch takes seconds to import, --help and a mistyped option should not.

    from information_retrieval.combining.cascading import (
        check_cross_encoder,
        describe,
        score_shortlisted,
    )
    from information_retrieval.scoring.evaluation_output import metrics_file
    from preprocess.base.device import torch_device

    # Below the largest cutoff a recall would be censored too.
    check_at_least("--shortlist", args.shortlist, max(CUTOFFS))
    check_at_least("--batch_size", args.batch_size, 1)
    check_at_least("--block_pairs", args.block_pairs, 1)
    device = torch_device(args.device)
    metrics_path = metrics_file(args.output)
    check_writable(args.output)
    check_not_input(args.output, [args.rankings])
    check_made_by(args.output, "shortlist")
    name = model_arguments.model_name_or_path
    check_cross_encoder(name)
    split = read_split(data.split_file(args.split))
    features = FeaturesFile(data.features_file(args.split))
    first = read_rankings(args.rankings, split)
    gallery = gallery_of(first, split)
    lists = shortlists(first.scores, first.caption_image_index, args.shortlist)
    pairs = union_of_pairs(lists)
    pair_scores, tokens = score_shortlisted(
        pairs,
        gallery,
        name,
        features,
        device,
        odd.long_captions,
        args.dtype,
        args.batch_size,
        args.block_pairs,
    )
    scores = {d: pair_scores[pairs.of(d)] for d in DIRECTIONS}  # (n_queries, k)
    ranks = {d: rank_shortlists(scores[d], lists.relevant(d)) for d in DIRECTIONS}
    metadata = {**describe(name, first, split, args.dtype, args.shortlist), **tokens.to_json()}
    result = cascade_summary(first, metadata["protocol"], args.shortlist, len(pairs.rows), ranks)
    result = with_benchmark(result, split, first)
    write_cascade(args.output, gallery, lists, scores, ranks, metadata)
    write_json(metrics_path, {**result, "rankings": args.output.name, "metadata": metadata})
    print(cascade_table(result, str(args.rankings), name))
    if first.metadata.get("protocol") == "5fold":
        print(
            f"{args.rankings}: made for protocol 5fold; taken as the one gallery of protocol 5k, "
            "which has the same scores"
        )
    print(f"wrote {args.output} and {metrics_path}")


if __name__ == "__main__":
    run_command(main)
