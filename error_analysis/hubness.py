"""Hubness: the documents that intrude most often into the top 10 of queries they are wrong for.

Reads a rankings file and the split file that it was made with; writes JSON, and prints the largest
hubs of either direction:

    {"i2t": {"k": 10, "n_queries", "n_documents", "mean", "skewness", "never", "largest_share",
             "hubs": [{"image_id", "caption_id", "caption", "intrusions", "share"}, ...]},
     "t2i": {...}, "metadata": {...}}

    python -m error_analysis.hubness --rankings runs/clip/test.npz \\
        --split_file datasets/coco/test.json --output runs/clip/hubs.json

"intrusions" counts the queries in whose top 10 a document is without being right; "share" is that
of all queries it is wrong for; "skewness" is that of the intrusions over documents (Radovanovic et
al. 2010; 0: evenly spread about their mean, the greater the fewer hubs take the most); "never"
counts the documents that intrude nowhere, "largest_share" is the part of all intrusions by the hubs
that make up 1 % of the documents. The gallery is the whole one that was scored, also where the
rankings are of 5fold. 5,000 images and 25,000 captions are counted in 1 s on one CPU
core; reading their rankings takes longer.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from error_analysis.queries.hubs import Hubness, K, count_intrusions
from error_analysis.queries.model_rankings import read_model_rankings
from error_analysis.queries.query import Item, caption_items, image_items
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.files import check_writable, write_json
from preprocess.captions.split_file import read_split


@dataclass
class HubnessArguments:
    rankings: Path = field(metadata={"help": "rankings .npz of information_retrieval.evaluate"})
    split_file: Path = field(metadata={"help": "split JSON that the rankings were made with"})
    output: Path = field(metadata={"help": "the JSON file to write"})
    k: int = field(default=K, metadata={"help": "length of the lists that are intruded into"})
    n_hubs: int = field(default=20, metadata={"help": "hubs written and printed, each direction"})


def hubness_to_json(hubness: Hubness, items: list[Item], n_hubs: int) -> dict:
    """Return the content of the output file for one direction; `items` are the documents."""
    hubs = []
    for document in hubness.hubs(n_hubs).tolist():
        item, intrusions = items[document], int(hubness.intrusions[document])
        named = {"image_id": item.image_id}
        if item.caption_id is not None:
            named |= {"caption_id": item.caption_id, "caption": item.caption}
        share = intrusions / int(hubness.wrong_for[document])
        hubs.append({**named, "intrusions": intrusions, "share": share})
    return {
        "k": hubness.k,
        "n_queries": hubness.n_queries,
        "n_documents": len(hubness.intrusions),
        "mean": float(hubness.intrusions.mean()),
        "skewness": hubness.skewness,
        "never": int(np.count_nonzero(hubness.intrusions == 0)),
        "largest_share": hubness.largest_share(),
        "hubs": hubs,
    }


def hubs_table(content: dict) -> str:
    """Return a direction's hubs as text, the most intrusive first."""
    lines = [
        f"{content['n_documents']:,} documents in the top {content['k']} of "
        f"{content['n_queries']:,} queries: {content['mean']:.1f} intrusions each on average, "
        f"skewness {content['skewness']:.2f}, {content['never']:,} of them never"
    ]
    for hub in content["hubs"]:
        shown = hub.get("caption", f"image {hub['image_id']}")
        lines.append(f"{hub['intrusions']:>7,}  {hub['share']:6.1%}  {shown.strip()}")
    return "\n".join(lines)


def main() -> None:
    arguments = parse_arguments(HubnessArguments, description=__doc__)
    check_at_least("--k", arguments.k, 1)
    check_at_least("--n_hubs", arguments.n_hubs, 1)
    check_writable(arguments.output)
    split = read_split(arguments.split_file)
    [model] = read_model_rankings([arguments.rankings], split)
    documents = {"i2t": caption_items(model.gallery), "t2i": image_items(model.gallery)}
    content: dict = {}
    for direction in DIRECTIONS:
        hubness = count_intrusions(model, direction, arguments.k)
        content[direction] = hubness_to_json(hubness, documents[direction], arguments.n_hubs)
        print(f"{direction}: {hubs_table(content[direction])}")
    write_json(arguments.output, {**content, "metadata": model.description()})
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    run_command(main)
