"""LXMERT's scores of listed pairs, each image and each caption that is listed encoded once."""

from collections.abc import Iterator

import numpy as np
import torch
from tqdm import tqdm

from information_retrieval import cross_encoder
from information_retrieval.dataset import stack_float32
from information_retrieval.lxmert import LxmertForImageTextMatching
from information_retrieval.lxmert_scoring import score_pairs
from preprocess.features_file import FeaturesFile


def _regions(
    features: FeaturesFile, image_ids: np.ndarray, batch_size: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (visual_feats, visual_pos) of `batch_size` images."""
    for start in range(0, len(image_ids), batch_size):
        some = image_ids[start : start + batch_size]
        feats, pos = zip(*(features.read_regions(image_id) for image_id in some), strict=True)
        yield stack_float32(feats), stack_float32(pos)


@torch.inference_mode()
def score_listed_pairs(
    model: LxmertForImageTextMatching,
    token_ids: list[list[int]],
    features: FeaturesFile,
    image_ids: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    block_pairs: int = 512,
    show_progress: bool = True,
) -> np.ndarray:
    """Score the pairs (rows[i], columns[i]) of a gallery.

    Args:
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, special tokens included, unpadded.
        features: has every image of `image_ids`.
        rows, columns: (n_pairs,) int64, positions in `image_ids` and `token_ids`.
        dtype: float32, or the type to autocast to.
        batch_size: images or captions encoded at once.
        block_pairs: pairs in a block of the cross layers.

    Returns:
        (n_pairs,) float32 logits.

    Raises:
        InputError: an image without features.
    """
    features.check_covers(image_ids)
    scores = np.empty(len(rows), np.float32)
    progress = tqdm(
        total=len(rows), desc="scoring", unit="pair", unit_scale=True, disable=not show_progress
    )
    with progress, torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        vision = cross_encoder.encode_images(model, _regions(features, image_ids, batch_size))
        for group in cross_encoder.encode_captions(model, token_ids, batch_size):
            pairs = np.flatnonzero(np.isin(columns, group.columns))
            captions = np.searchsorted(group.columns, columns[pairs])  # in the group, ascending
            for start in range(0, len(pairs), block_pairs):
                block = slice(start, start + block_pairs)
                language = group.hidden[torch.from_numpy(captions[block]).to(vision.device)]
                regions = vision[torch.from_numpy(rows[pairs[block]]).to(vision.device)]
                logits = score_pairs(model, language, regions)
                scores[pairs[block]] = logits.float().cpu().numpy()
                progress.update(len(logits))
    return scores
