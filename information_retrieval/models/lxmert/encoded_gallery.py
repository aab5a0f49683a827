"""Scores of all image-caption pairs by LXMERT, each modality encoded once.

LXMERT's 9 language layers see only the caption, its 5 object-relationship layers only the image;
the modalities meet in the 5 cross-modality layers. So a caption is encoded once for all images
and an image once for all captions, and a pair costs the cross layers and the head alone
(information_retrieval/models/lxmert/pair_blocks.py). Captions are scored in groups of one token
length: there is no padding, and nothing to mask. The scores are those of the plain forward of each
pair (tests: within 1e-5 in float32).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from information_retrieval.models.lxmert.cross_layers import BlockOptions, with_cross_layers
from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from information_retrieval.models.lxmert.pair_blocks import first_projections, score_block
from information_retrieval.models.lxmert.region_features import region_batches
from preprocess.storage.features_file import FeaturesFile

BLOCK_IMAGES = 8  # at least, that share what is computed once for a caption
CPU_PAIRS = 64  # measured: 32 to 128 are alike, 512 are 6 % slower
GPU_PAIRS = 8192  # not measured
GPU_MEMORY_SHARE = 0.25  # what else a layer holds takes the rest


@dataclass(frozen=True)
class CaptionGroup:
    """Encoded captions of one token length.

    Attributes:
        columns: (n,) int64, positions in the split.
        hidden: (n, length, hidden_size), output of the last language layer.
    """

    columns: np.ndarray
    hidden: torch.Tensor


@torch.inference_mode()
def encode_captions(
    model: LxmertForImageTextMatching,
    token_ids: list[list[int]],
    batch_size: int,
    show_progress: bool = False,
) -> list[CaptionGroup]:
    """Run the language layers on every caption, in groups of one length, shortest first."""
    lxmert, device = model.lxmert, model.device
    lengths = np.array([len(ids) for ids in token_ids])
    groups = []
    with tqdm(
        total=len(token_ids), desc="encoding captions", unit="caption", disable=not show_progress
    ) as progress:
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
                progress.update(len(ids))
            groups.append(CaptionGroup(columns, torch.cat(encoded)))
    return groups


@torch.inference_mode()
def encode_images(
    model: LxmertForImageTextMatching,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    show_progress: bool = False,
) -> torch.Tensor:
    """Run the object-relationship layers on batches of (visual_feats, visual_pos).

    Returns:
        (n_images, n_regions, hidden_size).
    """
    encoder, device = model.lxmert.encoder, model.device
    batches = tqdm(batches, desc="encoding images", unit="batch", disable=not show_progress)
    encoded = []
    for visual_feats, visual_pos in batches:
        hidden = encoder.visn_fc(visual_feats.to(device), visual_pos.to(device))
        for layer in encoder.r_layers:
            hidden = layer(hidden)[0]
        encoded.append(hidden)
    return torch.cat(encoded)


def pairs_at_once(model: LxmertForImageTextMatching, n_tokens: int) -> int:
    """Choose how many pairs go through the cross layers together.

    On a CPU as many as keep the activations near its caches; on a GPU as fill a share of its
    memory, up to a number beyond which nothing is gained. What is free does not count, so that a
    run that goes on computes as before.

    Args:
        n_tokens: of a pair, words and regions.
    """
    if model.device.type != "cuda":
        return CPU_PAIRS
    config = model.config
    # The widest moment of a layer: the residual stream twice, and the feed-forward's inside twice.
    widest = 4 * n_tokens * (2 * config.hidden_size + 2 * config.intermediate_size)  # bytes
    total = torch.cuda.get_device_properties(model.device).total_memory
    return max(1, min(GPU_PAIRS, int(GPU_MEMORY_SHARE * total) // widest))


class EncodedGallery:
    """Encoded images and captions, of which any pairs of one caption length can be scored.

    Args:
        model: in eval mode, on the device of the encodings.
        vision: (n_images, n_regions, hidden_size).
        groups: every caption once.
        dtype: float32, or the type to autocast to.
        options: of the blocks that pairs are scored in.

    Attributes:
        column_blocks: for each token length, its captions' columns, (n,) int64 ascending.
    """

    def __init__(
        self,
        model: LxmertForImageTextMatching,
        vision: torch.Tensor,
        groups: list[CaptionGroup],
        dtype: torch.dtype,
        options: BlockOptions = BlockOptions(),  # noqa: B008 (frozen)
    ):
        self.model = with_cross_layers(model, dtype, options)
        self.hidden_dtype = dtype if options.keep_rounded else torch.float32
        self.vision = vision
        self.groups = groups
        self.dtype = dtype
        self.options = options
        self.column_blocks = [group.columns for group in groups]
        self.n_images = len(vision)
        self.n_captions = sum(len(columns) for columns in self.column_blocks)
        self._group_of = np.empty(self.n_captions, np.int64)
        for index, columns in enumerate(self.column_blocks):
            self._group_of[columns] = index

    @torch.inference_mode()
    def score(self, rows: slice, columns: np.ndarray) -> np.ndarray:
        """Score images against captions of one token length.

        Args:
            rows: a slice of images.
            columns: (n,) int64 ascending, captions of one token length.

        Returns:
            (n_rows, n) float32 logits.
        """
        group = self.groups[self._group_of[columns[0]]]
        places = torch.from_numpy(np.searchsorted(group.columns, columns))
        # (n, length, hidden_size) and (n_rows, n_regions, hidden_size)
        language = group.hidden[places.to(group.hidden.device)].to(self.hidden_dtype)
        vision = self.vision[rows].to(self.hidden_dtype)
        most = self.options.pairs or pairs_at_once(self.model, language.shape[1] + vision.shape[1])
        n_captions = min(len(language), max(1, most // (self.options.images or BLOCK_IMAGES)))
        n_images = max(1, most // n_captions)  # more where there are few captions of the length
        kind = self.model.device.type
        with torch.autocast(kind, self.dtype, enabled=self.dtype != self.hidden_dtype):
            of_language = first_projections(self.model, language)
            of_vision = first_projections(self.model, vision)
            scores = [
                torch.cat(
                    [
                        score_block(
                            self.model, language[c], vision[i], of_language[c], of_vision[i]
                        )
                        for c in _parts(len(language), n_captions)
                    ],
                    dim=1,
                )
                for i in _parts(len(vision), n_images)
            ]
        return torch.cat(scores).float().cpu().numpy()


def _parts(length: int, most: int) -> Iterator[slice]:
    return (slice(start, start + most) for start in range(0, length, most))


@torch.inference_mode()
def encode_gallery(
    model: LxmertForImageTextMatching,
    token_ids: list[list[int]],
    features: FeaturesFile,
    image_ids: np.ndarray,
    *,
    dtype: torch.dtype = torch.float32,
    batch_size: int = 64,
    num_workers: int = 0,
    show_progress: bool = False,
    options: BlockOptions = BlockOptions(),  # noqa: B008 (frozen)
) -> EncodedGallery:
    """Encode every image and every caption.

    Args:
        model: in eval mode, on the device to compute on.
        token_ids: of each caption, special tokens included, unpadded.
        features: has every image of `image_ids`.
        dtype: float32, or the type to autocast to.
        batch_size: images or captions encoded at once.
        options: of the blocks that pairs are scored in.

    Raises:
        InputError: an image without features.
    """
    batches = region_batches(features, image_ids, batch_size, num_workers)
    with torch.autocast(model.device.type, dtype, enabled=dtype != torch.float32):
        vision = encode_images(model, batches, show_progress)
        groups = encode_captions(model, token_ids, batch_size, show_progress)
    return EncodedGallery(model, vision, groups, dtype, options)
