"""Scores of all image-caption pairs by LXMERT, each modality encoded once.

LXMERT's 9 language layers see only the caption, its 5 object-relationship layers only the image;
the modalities meet in the 5 cross-modality layers. So a caption is encoded once for all images
and an image once for all captions, and a pair costs the cross layers and the head alone. Captions
are scored in groups of one token length: there is no padding, and nothing to mask. The scores
are those of the plain forward of each pair (tests: within 1e-5 in float32).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from information_retrieval.dataset import stack_float32
from information_retrieval.lxmert import LxmertForImageTextMatching
from preprocess.features_file import FeaturesFile


@dataclass(frozen=True)
class CaptionGroup:
    """Encoded captions of one token length.

    Attributes:
        columns: (n,) int64, positions in the split.
        hidden: (n, length, hidden_size), output of the last language layer.
    """

    columns: np.ndarray
    hidden: torch.Tensor


class GalleryFeatures(Dataset):
    """The region features of a gallery, image by image."""

    def __init__(self, features: FeaturesFile, image_ids: np.ndarray):
        features.check_covers(image_ids)
        self.features = features
        self.image_ids = image_ids

    def __len__(self) -> int:
        return len(self.image_ids)

    def __getitem__(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        return self.features.read_regions(self.image_ids[row])


def _stack_regions(
    items: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[torch.Tensor, torch.Tensor]:
    visual_feats, visual_pos = zip(*items, strict=True)
    return stack_float32(visual_feats), stack_float32(visual_pos)


def encode_captions(
    model: LxmertForImageTextMatching, token_ids: list[list[int]], batch_size: int
) -> list[CaptionGroup]:
    """Run the language layers on every caption, in groups of one length, shortest first."""
    lxmert, device = model.lxmert, model.device
    lengths = np.array([len(ids) for ids in token_ids])
    groups = []
    for length in np.unique(lengths):
        columns = np.flatnonzero(lengths == length)
        encoded = []
        for start in range(0, len(columns), batch_size):
            ids = [token_ids[column] for column in columns[start : start + batch_size]]
            input_ids = torch.tensor(ids, device=device)  # (batch, length)
            hidden = lxmert.embeddings(input_ids, torch.zeros_like(input_ids))
            for layer in lxmert.encoder.layer:
                hidden = layer(hidden)[0]
            encoded.append(hidden)
        groups.append(CaptionGroup(columns, torch.cat(encoded)))
    return groups


def encode_images(
    model: LxmertForImageTextMatching,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
) -> torch.Tensor:
    """Run the object-relationship layers on batches of (visual_feats, visual_pos).

    Returns:
        (n_images, n_regions, hidden_size).
    """
    encoder, device = model.lxmert.encoder, model.device
    encoded = []
    for visual_feats, visual_pos in batches:
        hidden = encoder.visn_fc(visual_feats.to(device), visual_pos.to(device))
        for layer in encoder.r_layers:
            hidden = layer(hidden)[0]
        encoded.append(hidden)
    return torch.cat(encoded)


def score_pairs(
    model: LxmertForImageTextMatching, language: torch.Tensor, vision: torch.Tensor
) -> torch.Tensor:
    """Run the cross-modality layers and the head on encoded pairs.

    Of the last layer only what the pooled [CLS] reads is computed: no visual branch, and after
    the cross attention only the first token's query and feed-forward.

    Args:
        language: (batch, length, hidden_size), without padding.
        vision: (batch, n_regions, hidden_size).

    Returns:
        (batch,) logits.
    """
    *layers, last = model.lxmert.encoder.x_layers
    for layer in layers:
        language, vision = layer(language, None, vision, None)
    language = last.visual_attention(language, vision)[0]
    first = language[:, :1]  # (batch, 1, hidden_size)
    attended = last.lang_self_att.self(first, language)[0]
    first = last.lang_self_att.output(attended, first)
    first = last.lang_output(last.lang_inter(first), first)
    return model.matching_head(model.lxmert.pooler(first)).squeeze(-1)


def _pair_blocks(
    n_images: int, groups: list[CaptionGroup], block_images: int, block_pairs: int
) -> Iterator[tuple[slice, CaptionGroup]]:
    """Yield (rows, captions of one length) so that each block has at most `block_pairs` pairs."""
    captions_a_block = max(1, block_pairs // block_images)
    for row in range(0, n_images, block_images):
        rows = slice(row, min(row + block_images, n_images))
        for group in groups:
            for start in range(0, len(group.columns), captions_a_block):
                part = slice(start, start + captions_a_block)
                yield rows, CaptionGroup(group.columns[part], group.hidden[part])


def score_encoded(
    model: LxmertForImageTextMatching,
    vision: torch.Tensor,
    groups: list[CaptionGroup],
    block_images: int,
    block_pairs: int,
    show_progress: bool,
) -> np.ndarray:
    """Score every encoded image against every encoded caption, block by block.

    Args:
        vision: (n_images, n_regions, hidden_size).
        groups: every caption once.

    Returns:
        (n_images, n_captions) float32 logits.
    """
    n_captions = sum(len(group.columns) for group in groups)
    scores = np.empty((len(vision), n_captions), np.float32)
    progress = tqdm(
        total=scores.size, desc="scoring", unit="pair", unit_scale=True, disable=not show_progress
    )
    with progress:
        for rows, captions in _pair_blocks(len(vision), groups, block_images, block_pairs):
            n_rows, n_columns = rows.stop - rows.start, len(captions.columns)
            # Pairs in the order of the scores: (rows * columns, length or regions, hidden_size).
            language = captions.hidden.repeat(n_rows, 1, 1)
            regions = vision[rows].repeat_interleave(n_columns, dim=0)
            logits = score_pairs(model, language, regions).float()
            scores[rows, captions.columns] = logits.view(n_rows, n_columns).cpu().numpy()
            progress.update(n_rows * n_columns)
    return scores


@torch.inference_mode()
def score_gallery(
    model: LxmertForImageTextMatching,
    token_ids: list[list[int]],
    features: FeaturesFile,
    image_ids: np.ndarray,
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    block_images: int = 8,
    block_pairs: int = 512,
    num_workers: int = 0,
    show_progress: bool = True,
) -> np.ndarray:
    """Score every image against every caption.

    Args:
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, special tokens included, unpadded.
        features: has every image of `image_ids`.
        dtype: float32, or the type to autocast to.
        batch_size: images or captions encoded at once.
        block_images, block_pairs: images and pairs in a block of the cross layers.

    Returns:
        (n_images, n_captions) float32 logits.

    Raises:
        InputError: an image without features.
    """
    loader = DataLoader(
        GalleryFeatures(features, image_ids),
        batch_size=batch_size,
        collate_fn=_stack_regions,
        num_workers=num_workers,
    )
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        vision = encode_images(model, loader)
        groups = encode_captions(model, token_ids, batch_size)
        return score_encoded(model, vision, groups, block_images, block_pairs, show_progress)
