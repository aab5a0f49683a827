"""The missing tiles of a store, shared among the processes of a run and scored.

The shares are static: the missing tiles in order, band by band, are cut into one run of tiles a
process, of about equal pairs. So a process encodes few more images than its share, and each pair
is scored once. Tiles do not depend on the number of processes, so neither do their scores.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from tqdm import tqdm

from information_retrieval.models.loading import LoadedGallery, Scorer
from information_retrieval.scoring.machine_store import gather_machines, open_store
from information_retrieval.scoring.processes import Processes
from information_retrieval.scoring.tile_grid import TileGrid
from information_retrieval.scoring.tile_store import TileStore, prepare_store
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

# What a kill may cost, beside a tile. A flush writes most pages of a band's rows, so it is done
# once a band and, of bands that take long, this often.
COMMIT_SECONDS = 5.0
POLL_SECONDS = 0.1


def share_of(tiles: np.ndarray, pairs: np.ndarray, index: int, count: int) -> np.ndarray:
    """Return the tiles of process `index` of `count`.

    Args:
        tiles: (n_tiles, 2) integer, band and block.
        pairs: (n_bands, n_blocks) integer.
    """
    ends = np.cumsum(pairs[tiles[:, 0], tiles[:, 1]])
    total = ends[-1] if len(ends) else 0
    inner_cuts = np.searchsorted(ends, total * np.arange(1, count) / count)
    cuts = [0, *inner_cuts, len(tiles)]
    return tiles[cuts[index] : cuts[index + 1]]


def score_missing_tiles(
    store: TileStore,
    missing: np.ndarray,
    encode: Callable[[np.ndarray], Scorer],
    gallery: Split,
    processes: Processes,
) -> None:
    """Score this process's share of the missing tiles, and wait until all have scored theirs.

    The main process shows the pairs of all.

    Args:
        missing: (n_missing, 2), the same in every process.
        encode: gives the scorer of an ascending choice of rows, whole bands of them.

    Raises:
        InputError: a score is NaN or infinite, or what `encode` raises; in the first process
            that stops so. The others end without a word.
    """
    share = share_of(missing, store.grid.pairs, processes.index, processes.count)
    bands = np.unique(share[:, 0]).tolist()
    rows = np.array([row for band in bands for row in np.r_[store.grid.rows(band)]], np.int64)
    try:
        scorer = encode(rows) if len(rows) else None
        pairs = store.grid.pairs
        progress = tqdm(
            total=int(pairs.sum()),
            initial=int(pairs.sum() - pairs[missing[:, 0], missing[:, 1]].sum()),
            desc="scoring",
            unit="pair",
            unit_scale=True,
            disable=not processes.is_main,
        )
        with progress:
            if scorer is not None:
                _score_share(store, share, rows, scorer, gallery, progress)
            _wait_for_all(store, progress)
    except InputError as error:
        processes.stop(error, store.first_to_fail())
    processes.state.wait_for_everyone()


def _score_share(
    store: TileStore,
    share: np.ndarray,
    rows: np.ndarray,
    scorer: Scorer,
    gallery: Split,
    progress: tqdm,
) -> None:
    """Score the tiles of `share` (n_tiles, 2) with a scorer of `rows`, ascending."""
    grid = store.grid
    committed, committed_band = time.monotonic(), share[0, 0]
    try:
        for band, block in share.tolist():
            if band != committed_band or time.monotonic() - committed > COMMIT_SECONDS:
                store.commit()
                committed, committed_band = time.monotonic(), band
            band_rows, columns = grid.rows(band), grid.column_blocks[block]
            first = int(np.searchsorted(rows, band_rows.start))  # among the encoded rows
            encoded_rows = slice(first, first + band_rows.stop - band_rows.start)
            scores = scorer.score(encoded_rows, columns)
            check_finite(scores, gallery.image_ids[band_rows], gallery.caption_ids[columns])
            store.write(band, block, scores)
            progress.update(store.pairs_done() - progress.n)
    finally:
        store.commit()


def check_finite(scores: np.ndarray, image_ids: np.ndarray, caption_ids: np.ndarray) -> None:
    """Raise InputError, naming the pair, when a score (n_images, n_captions) is not finite."""
    finite = np.isfinite(scores)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            f"the score of image {image_ids[row]} and caption {caption_ids[column]} is "
            f"{scores[row, column]}; check the model's weights, or compute in float32"
        )


def _wait_for_all(store: TileStore, progress: tqdm) -> None:
    """Wait until every tile is done: not in a barrier, whose time is limited."""
    while len(store.missing()):
        if store.failed():
            raise InputError("another process stopped")
        time.sleep(POLL_SECONDS)
        progress.update(store.pairs_done() - progress.n)
    progress.update(store.pairs_done() - progress.n)


def score_in_store(
    loaded: LoadedGallery,
    gallery: Split,
    folder: Path,
    batch_size: int,
    processes: Processes,
) -> np.ndarray:
    """Score a gallery tile by tile, or go on with what is in the folder, in all processes.

    Args:
        folder: of the tile store; the scores stay there until `remove_store`.
        batch_size: images encoded at once, and in a tile.

    Returns:
        (n_images, n_captions) float32, memory-mapped, in every process of the main one's machine;
        on other machines, what that machine has scored.

    Raises:
        InputError: those of `prepare_store` and `score_missing_tiles`.
    """
    # A band of images is encoded as one batch, whichever process encodes it.
    grid = TileGrid(len(gallery.images), batch_size, loaded.column_blocks)
    kind = processes.device.type
    settings = {
        **loaded.identity,
        "device": torch.cuda.get_device_name(processes.device) if kind == "cuda" else kind,
        # The kernels of a CPU depend on it, and with them the last bits.
        "threads": str(torch.get_num_threads()) if kind == "cpu" else "",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }

    def prepare() -> int:
        damaged = prepare_store(folder, grid, settings)
        gather_machines(folder, grid, settings)  # what a killed run of several left
        return damaged

    damaged = processes.from_main(prepare)
    if damaged and processes.is_main:
        print(f"{folder}: {damaged} damaged tiles are scored again")
    store = open_store(folder, grid, settings, processes)
    missing = processes.from_main(store.missing)  # before the first writes
    score_missing_tiles(store, missing, loaded.encode, gallery, processes)

    def gather() -> None:
        gather_machines(folder, grid, settings)
        damaged = len(TileStore(folder, grid).missing())
        if damaged:
            raise InputError(
                f"{folder}: {damaged} of the other machines' tiles do not match their checksum; "
                "repeat the command to score them again"
            )

    processes.from_main(gather)
    return store.scores
