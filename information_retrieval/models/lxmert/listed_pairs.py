"""LXMERT's scores of listed pairs, each image and each caption that is listed encoded once."""

import numpy as np
import torch
from tqdm import tqdm

from information_retrieval.models.lxmert.encoded_gallery import encode_captions, encode_images
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.lxmert.pair_blocks import score_pairs
from information_retrieval.models.lxmert.region_features import region_batches
from preprocess.storage.features_file import FeaturesFile


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
    regions_of_images = region_batches(features, image_ids, batch_size)
    scores = np.empty(len(rows), np.float32)
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        vision = encode_images(model, regions_of_images, show_progress)
        groups = encode_captions(model, token_ids, batch_size, show_progress)
        progress = tqdm(
            total=len(rows), desc="scoring", unit="pair", unit_scale=True, disable=not show_progress
        )
        with progress:
            for group in groups:
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
