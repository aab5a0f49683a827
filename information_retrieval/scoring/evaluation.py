"""A split evaluated by a model: scored by all processes, ranked and written by the main one."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles, LoadedGallery
from information_retrieval.models.loading import load_gallery
from information_retrieval.ranking.protocols import Protocol, largest_protocol, protocol_split
from information_retrieval.ranking.rankings import Rankings, rank_scores, write_rankings
from information_retrieval.scoring.evaluation_output import (
    claim,
    describe,
    read_finished,
    report,
)
from information_retrieval.scoring.processes import Processes
from information_retrieval.scoring.score_tiles import score_in_store
from information_retrieval.scoring.tile_store import check_disk, remove_store
from preprocess.base.files import behind_link
from preprocess.captions.split_file import Split, read_split


def evaluate(
    name: str,
    split_file: Path,
    protocol: Protocol | None,
    files: GalleryFiles,
    options: EncoderOptions,
    output: Path,
    processes: Processes,
) -> None:
    """Score, rank and report, or report again what is scored already.

    Until the rankings are written, the scores grow in `{output}.tiles/`, with which the next call
    goes on.

    Args:
        name: checkpoint folder or hub id.
        protocol: None: the largest that fits, which is printed.
        output: the rankings file; metrics.json goes beside it.

    Raises:
        InputError: on bad input, in every process; nothing is written then.
    """
    beside = behind_link(output)
    tiles = beside.with_name(f"{beside.name}.tiles")

    def load() -> tuple[Split, Protocol, Split, LoadedGallery]:
        split = read_split(split_file)
        chosen = protocol or largest_protocol(split)
        gallery = protocol_split(split, chosen)
        if not is_scored:
            check_disk(tiles, len(gallery.images), len(gallery.captions))
        return split, chosen, gallery, load_gallery(name, gallery, files, processes.device, options)

    with ExitStack() as held:
        metrics_path = processes.agree(lambda: claim(output, held, processes.is_main))
        is_scored = processes.from_main(output.exists)  # of all machines the same
        split, chosen, gallery, loaded = processes.agree(load)
        if processes.is_main:
            if protocol is None:
                print(f"protocol {chosen}: {len(gallery.images):,} images")
            for line in loaded.tokens.warnings():
                print(line, file=sys.stderr)
        if not is_scored:
            scores = score_in_store(loaded, gallery, tiles, options.batch_size, processes)
        if not processes.is_main:
            return
        if is_scored:
            rankings: Rankings = read_finished(output, split, gallery, loaded.identity)
        else:
            metadata = describe(name, split, chosen, loaded.identity)
            rankings = rank_scores(scores, gallery, {**metadata, **loaded.tokens.to_json()})
            write_rankings(output, rankings)
        is_new = report(rankings, split, chosen, output.name, metrics_path)
        if not is_scored or os.access(tiles.parent, os.W_OK):
            remove_store(tiles)
        written = [output] * (not is_scored) + [metrics_path] * is_new
        if written:
            print(f"wrote {' and '.join(map(str, written))}")
