"""The region features of a gallery, as LXMERT reads them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile


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


def stack_float32(arrays: Sequence[np.ndarray]) -> torch.Tensor:
    """Stack equal shapes along a new first axis, as float32."""
    return torch.from_numpy(np.stack(arrays).astype(np.float32, copy=False))


def stack_regions(
    items: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Stack what `GalleryFeatures` gives of some images: (batch, n_regions, ...) float32 each."""
    visual_feats, visual_pos = zip(*items, strict=True)
    return stack_float32(visual_feats), stack_float32(visual_pos)


def region_batches(
    features: FeaturesFile, image_ids: np.ndarray, batch_size: int, num_workers: int = 0
) -> DataLoader:
    """Read the regions of images, in order, in batches.

    Returns:
        an iterable of (visual_feats, visual_pos), (<= batch_size, n_regions, ...) float32.

    Raises:
        InputError: an image without features.
    """
    return DataLoader(
        GalleryFeatures(features, image_ids),
        batch_size=batch_size,
        collate_fn=stack_regions,
        num_workers=num_workers,
    )


def check_feature_dim(features: FeaturesFile, model: LxmertForImageTextMatching) -> None:
    """Raise InputError unless the features have the dimension that the model reads."""
    expected = model.config.visual_feat_dim
    if features.feature_dim != expected:
        raise InputError(
            f"{features.path}: expected features of {expected} dimensions for this model, found "
            f"{features.feature_dim}; extract them with the detector that the model was made for"
        )
