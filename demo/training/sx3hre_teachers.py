"""Teachers of the demo's Sx3HRe that have seen no caption: one that names things, one at random."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from tqdm import trange
from transformers import BeitConfig, BeitModel

from demo.training.checkpoints import replacing_folder
from preprocess.base.files import read_json
from preprocess.encoders.beit_conversion import MEAN, STD, make_processor
from preprocess.storage.images_file import ImagesFile

WIDTH, IMAGE_SIZE, PATCH_SIZE = 160, 112, 16
SEED = 42
EPOCHS, BATCH, LEARNING_RATE = 8, 128, 1.2e-3


def make_random_teacher(folder: Path) -> None:
    """Write an image encoder of random weights, which teaches nothing: the control."""
    torch.manual_seed(SEED)
    _save(BeitModel(_configuration()), folder)


def train_labels_teacher(folder: Path, images_file: Path, instances: Path) -> float:
    """Write an image encoder whose [CLS] was trained to tell what things and colours are there.

    As the supervised teacher of SHRe (Aytar et al., 2017), in small: no caption, no contrast.

    Args:
        images_file: of the scenes, `IMAGE_SIZE` a side.
        instances: their annotations, COCO's, with an "attribute" each.

    Returns:
        The binary cross entropy of the last tenth of the steps.
    """
    images = ImagesFile(images_file)
    labels = read_labels(images.image_ids, instances)
    pixels = torch.from_numpy(np.stack([images.read(i) for i in images.image_ids]))
    torch.manual_seed(SEED)
    model = BeitModel(_configuration())
    head = nn.Linear(WIDTH, labels.shape[1])
    steps = EPOCHS * len(pixels) // BATCH
    weights = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.1)
    losses, generator = [], torch.Generator().manual_seed(SEED)
    model.train()
    for _ in trange(steps, desc="training the teacher", unit="batch"):
        rows = torch.randint(len(pixels), (BATCH,), generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            encoded = model(pixel_values=_normalised(pixels[rows])).pooler_output
            loss = binary_cross_entropy_with_logits(head(encoded), labels[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        losses.append(loss.item())
    _save(model.eval(), folder)
    return float(np.mean(losses[-max(1, steps // 10) :]))


def read_labels(image_ids: np.ndarray, instances: Path) -> Tensor:
    """Return (n_images, n_labels) float32, 1 where an image has things of a category or colour."""
    content = read_json(instances, "`python -m demo.render`")
    row_of = {int(image_id): row for row, image_id in enumerate(image_ids)}
    found = {
        (row_of[thing["image_id"]], str(thing[key]))
        for thing in content["annotations"]
        if thing["image_id"] in row_of
        for key in ("category_id", "attribute")
    }
    names = sorted({label for _, label in found})
    column_of = {label: column for column, label in enumerate(names)}
    labels = torch.zeros(len(image_ids), len(column_of))
    for row, label in found:
        labels[row, column_of[label]] = 1
    return labels


def _normalised(pixels: Tensor) -> Tensor:
    """Return (batch, 3, side, side) of (batch, side, side, 3) uint8, as the image processor."""
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    return ((pixels / 255 - mean) / std).permute(0, 3, 1, 2)


def _configuration() -> BeitConfig:
    """Return the architecture: BEiT-2's in small, 0.9 million parameters."""
    return BeitConfig(
        hidden_size=WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        image_size=IMAGE_SIZE,
        patch_size=PATCH_SIZE,
        use_mean_pooling=False,
        use_absolute_position_embeddings=True,
        layer_scale_init_value=1.0,
        layer_norm_eps=1e-6,
        drop_path_rate=0.0,
        # About 1 / sqrt(160): from the published 0.02, so narrow a model is slow to begin.
        initializer_range=0.08,
    )


def _save(model: BeitModel, folder: Path) -> None:
    with replacing_folder(folder) as partial:
        model.save_pretrained(partial)
        make_processor(IMAGE_SIZE).save_pretrained(partial)
