"""Image encoders that have seen no caption: trained to name things and colours, or at random.

The teachers of the demo's Sx3HRe are of a BEiT's kind; what its CNN captioner reads is a ResNet's,
which was trained to tell also which thing has which colour.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from tqdm import trange
from transformers import BeitConfig, BeitModel, PreTrainedModel, ResNetConfig, ResNetModel

from demo.training.checkpoints import replacing_folder, save_half
from preprocess.base.files import read_json
from preprocess.encoders.beit_conversion import MEAN, STD, make_processor
from preprocess.storage.images_file import ImagesFile

WIDTH, IMAGE_SIZE, PATCH_SIZE = 160, 112, 16
SEED = 42
BATCH, LEARNING_RATE = 128, 1.2e-3
TEACHER_EPOCHS, RESNET_EPOCHS = 8, 20


def make_random_teacher(folder: Path) -> None:
    """Write an image encoder of random weights, which teaches nothing: the control."""
    torch.manual_seed(SEED)
    _save(BeitModel(_beit()), folder)


def train_labels_teacher(folder: Path, images_file: Path, instances: Path) -> float:
    """Write a BEiT whose [CLS] was trained to tell what things and colours are there.

    As the supervised teacher of SHRe (Aytar et al., 2017), in small: no caption, no contrast.

    Args:
        images_file: of the scenes, `IMAGE_SIZE` a side.
        instances: their annotations, COCO's, with an "attribute" each.

    Returns:
        The binary cross entropy of the last tenth of the steps.
    """
    torch.manual_seed(SEED)
    model = BeitModel(_beit())
    images = ImagesFile(images_file)
    loss = _fit(model, WIDTH, images, read_labels(images.image_ids, instances), TEACHER_EPOCHS)
    _save(model.eval(), folder)
    return loss


def train_resnet(folder: Path, images_file: Path, instances: Path) -> float:
    """Write a ResNet, in half precision, whose pooled vector was trained as the teacher's [CLS].

    And to tell what is of which colour: a captioner without attention has nothing else to know it
    by.
    """
    torch.manual_seed(SEED)
    model = ResNetModel(_resnet())
    images = ImagesFile(images_file)
    labels = read_labels(images.image_ids, instances, with_pairs=True)
    loss = _fit(model, model.config.hidden_sizes[-1], images, labels, RESNET_EPOCHS)
    with replacing_folder(folder) as partial:
        save_half(model.eval(), partial)
        make_processor(IMAGE_SIZE).save_pretrained(partial)
    return loss


def _fit(
    model: PreTrainedModel, width: int, images: ImagesFile, labels: Tensor, epochs: int
) -> float:
    """Train an encoder, with a head that is thrown away, to tell the labels of its images.

    Args:
        width: of its pooled output.
        labels: (n_images, n_labels), see `read_labels`.

    Returns:
        The binary cross entropy of the last tenth of the steps.
    """
    pixels = torch.from_numpy(np.stack([images.read(i) for i in images.image_ids]))
    head = nn.Linear(width, labels.shape[1])
    steps = epochs * len(pixels) // BATCH
    weights = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.1)
    losses, generator = [], torch.Generator().manual_seed(SEED)
    model.train()
    for _ in trange(steps, desc=f"training a {model.config.model_type} on labels", unit="batch"):
        rows = torch.randint(len(pixels), (BATCH,), generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            encoded = model(pixel_values=_normalised(pixels[rows])).pooler_output.flatten(1)
            loss = binary_cross_entropy_with_logits(head(encoded), labels[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        losses.append(loss.item())
    return float(np.mean(losses[-max(1, steps // 10) :]))


def read_labels(image_ids: np.ndarray, instances: Path, with_pairs: bool = False) -> Tensor:
    """Return (n_images, n_labels) float32, 1 where an image has things of a category or colour.

    Args:
        with_pairs: also a label for each category in each colour.
    """
    content = read_json(instances, "`python -m demo.render`")
    row_of = {int(image_id): row for row, image_id in enumerate(image_ids)}
    keys = (("category_id",), ("attribute",), *((("category_id", "attribute"),) * with_pairs))
    found = {
        (row_of[thing["image_id"]], " ".join(str(thing[key]) for key in label))
        for thing in content["annotations"]
        if thing["image_id"] in row_of
        for label in keys
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


def _resnet() -> ResNetConfig:
    """Return the architecture: ResNet's in small, 0.4 million parameters."""
    return ResNetConfig(
        embedding_size=24, hidden_sizes=[24, 48, 96, 128], depths=[1, 1, 1, 1], layer_type="basic"
    )


def _beit() -> BeitConfig:
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
