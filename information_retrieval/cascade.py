"""Order the best documents of a first model, such as CLIP, by LXMERT or X-VLM: a cascade.

Reads the first model's rankings, the split, a checkpoint, and `{split}_features.h5` (LXMERT) or
`{split}_images.h5` (X-VLM). It scores the pairs on the top k of either direction, and each query's
k documents are ordered by it alone. What is not on a shortlist is not ordered: the rank of a query
without a ground truth there is censored, known only to be k or more.

Writes an .npz (format: information_retrieval/combining/cascade_result.py), which is no rankings
file, and of which error analysis shows the recalls alone (`error_analysis.report --cascades`); and
`metrics.json` beside it; prints the table.

    python -m information_retrieval.cascade --rankings runs/clip/test.npz --shortlist 100 \\
        --model_name_or_path runs/lxmert --data_dir datasets/coco --output runs/cascade/test.npz

X-VLM's published numbers are of such a cascade, of its own `evaluate --score itc` (docs/xvlm.md).

At 5k, k = 100 is at most 3 million pairs of 125. Memory: the first model's scores (0.5 GB for 5k)
and the encodings (2 GB of LXMERT, 4 of X-VLM). Scores are kept in memory until all are there:
killed, the command leaves nothing half-done, and starts again. The demo takes half a minute on a
CPU core.

Rankings made for 5fold hold the scores of all pairs of their 5,000 images, as those for 5k do. The
cascade takes them as that one gallery, and says so.
"""

from dataclasses import dataclass, field
from pathlib import Path

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
from information_retrieval.models.arguments import (
    ComputeArguments,
    DataArguments,
    InputArguments,
    ModelArguments,
)
from information_retrieval.ranking.benchmark_names import with_benchmark
from information_retrieval.ranking.gallery import check_made_by, check_not_input, gallery_of
from information_retrieval.ranking.metrics import CUTOFFS
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rankings import read_rankings
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import read_split


@dataclass(kw_only=True)
class CascadeArguments(ComputeArguments):
    rankings: Path = field(metadata={"help": "rankings .npz of the first model"})
    shortlist: int = field(
        metadata={
            "help": f"k, documents that the model orders for each query; {max(CUTOFFS)} or more"
        }
    )
    output: Path = field(metadata={"help": "the .npz to write; metrics.json goes beside"})
    split: str = field(default="test", metadata={"help": "split of the rankings"})
    block_pairs: int = field(default=512, metadata={"help": "LXMERT: pairs scored at once"})


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
    from information_retrieval.models.loaded_gallery import GalleryFiles, encoder_options
    from information_retrieval.scoring.evaluation_output import metrics_file
    from preprocess.base.device import torch_device

    # Below the largest cutoff a recall would be censored too.
    check_at_least("--shortlist", args.shortlist, max(CUTOFFS))
    check_at_least("--block_pairs", args.block_pairs, 1)
    device = torch_device(args.device)
    metrics_path = metrics_file(args.output)
    check_writable(args.output)
    check_not_input(args.output, [args.rankings])
    check_made_by(args.output, "shortlist")
    name = model_arguments.model_name_or_path
    check_cross_encoder(name)
    split = read_split(data.split_file(args.split))
    files = GalleryFiles(data.features_file(args.split), data.images_file(args.split))
    first = read_rankings(args.rankings, split)
    gallery = gallery_of(first, split)
    lists = shortlists(first.scores, first.caption_image_index, args.shortlist)
    pairs = union_of_pairs(lists)
    pair_scores, tokens = score_shortlisted(
        pairs,
        gallery,
        name,
        files,
        device,
        encoder_options(args, odd),
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
