"""A tiny random ResNet's folder, as the hub's microsoft/resnet-50 is laid out."""

from pathlib import Path

import torch
from transformers import ConvNextImageProcessor, ResNetConfig, ResNetForImageClassification

TINY = {"embedding_size": 8, "hidden_sizes": [8, 24], "depths": [1, 2]}


def save_resnet(folder: Path, seed: int = 0, side: int = 32, **config) -> Path:
    """Of other statistics in its batch norms than those of any batch; with a head."""
    torch.manual_seed(seed)
    model = ResNetForImageClassification(ResNetConfig(**{**TINY, **config}))
    for name, buffer in model.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.add_(torch.rand_like(buffer))
    model.save_pretrained(folder)
    ConvNextImageProcessor(
        size={"shortest_edge": side},
        crop_pct=0.875,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)
    return folder
