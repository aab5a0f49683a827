"""Training the demo's CLIP: contrastive, from scratch, on drawn scenes and their captions."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm, trange
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

from demo.training.checkpoints import replacing_folder, save_half
from demo.training.training_scenes import read_test_split, read_training_split
from demo.training.vocabularies import make_clip_tokenizer, save_slow_files
from information_retrieval.models.tokenization import pad_tokens
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.rank_counter import count_ranks
from preprocess.captions.split_file import Split
from preprocess.storage.decoding import decode_rgb, read_encoded

IMAGE_SIZE = 112
# The whole picture, squeezed to a square: cutting out the middle would lose things.
IMAGE_PROCESSOR = {
    "size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
    "crop_size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
    "do_center_crop": False,
}
# Of this vocabulary's tokens the demo's captions have up to 40, real ones about 100.
MAX_TOKENS = 256
# The loss falls further after that; but a model without failures has none to look at.
EPOCHS = 5
BATCH_IMAGES = 128
CAPTIONS_PER_STEP = 2
LEARNING_RATE = 1.2e-3
WARMUP_STEPS = 100
LARGEST_LOGIT_SCALE = 100.0


@dataclass(frozen=True)
class Examples:
    """Images (n_images, 3, size, size) uint8, resized, and the token ids of every caption."""

    pixels: Tensor
    token_ids: list[list[int]]
    caption_image_index: np.ndarray
    pad_id: int
    mean: Tensor
    std: Tensor

    def images(self, rows: slice | np.ndarray) -> Tensor:
        """Return the float32 values that the image processor makes, (rows, 3, size, size)."""
        return (self.pixels[rows] / 255 - self.mean) / self.std

    def texts(self, columns: range | list[int]) -> dict[str, Tensor]:
        """Return the captions' `input_ids` and `attention_mask`, (columns, length) int64."""
        return pad_tokens([self.token_ids[column] for column in columns], self.pad_id)


def train_clip(output_dir: Path, scene_dir: Path) -> dict[str, float]:
    """Train on the rendered scenes and write `output_dir`/clip.

    Returns the metrics on the scenes that were kept apart (see `retrieval_metrics`).
    """
    torch.manual_seed(0)
    split = read_training_split(scene_dir)
    tokenizer = make_clip_tokenizer(list(split.captions), MAX_TOKENS)
    image_processor = CLIPImageProcessor(**IMAGE_PROCESSOR)
    model = CLIPModel(_configuration(tokenizer))
    _fit(model, _load(split, scene_dir, tokenizer, image_processor))
    test = _load(read_test_split(scene_dir), scene_dir, tokenizer, image_processor)
    metrics = _evaluate(model, test)
    with replacing_folder(output_dir / "clip") as folder:
        save_half(model, folder)
        image_processor.save_pretrained(folder)
        save_slow_files(tokenizer, folder)
    return metrics


def _configuration(tokenizer: CLIPTokenizer) -> CLIPConfig:
    """Return the architecture: 1.9 million parameters, of which 0.7 in the text tower."""
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 384,
        "max_position_embeddings": MAX_TOKENS,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "projection_dim": 128,
    }
    vision = {
        "image_size": IMAGE_SIZE,
        "patch_size": 16,
        "hidden_size": 160,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 480,
        "projection_dim": 128,
    }
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=128)


def _load(
    split: Split, scene_dir: Path, tokenizer: CLIPTokenizer, image_processor: CLIPImageProcessor
) -> Examples:
    """Decode and resize the images of a split, and tokenise its captions."""
    resized = []
    for image in tqdm(split.images, desc=f"resizing {split.split}", unit="image"):
        pixels = decode_rgb(
            read_encoded(scene_dir / "images" / image.file_name), name=image.file_name
        )
        output = image_processor(pixels, do_rescale=False, do_normalize=False, return_tensors="pt")
        resized.append(output["pixel_values"][0].round().clamp(0, 255).to(torch.uint8))
    return Examples(
        pixels=torch.stack(resized),
        token_ids=tokenizer(list(split.captions))["input_ids"],
        caption_image_index=split.caption_image_index,
        pad_id=tokenizer.pad_token_id,
        mean=torch.tensor(image_processor.image_mean)[:, None, None],
        std=torch.tensor(image_processor.image_std)[:, None, None],
    )


def _fit(model: CLIPModel, examples: Examples) -> None:
    """Minimise the contrastive loss over batches of images with two captions of each."""
    batches = _batches(examples, np.random.default_rng(0))
    steps = EPOCHS * (len(examples.pixels) // BATCH_IMAGES)
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    model.train()
    progress = trange(steps, desc="training clip", unit="batch")
    for _, (rows, columns) in zip(progress, batches, strict=False):
        loss = _loss(model, examples.images(rows), examples.texts(columns))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=math.log(LARGEST_LOGIT_SCALE))
        progress.set_postfix(loss=f"{loss.item():.2f}", refresh=False)
    model.eval()


def _batches(examples: Examples, generator: np.random.Generator):
    """Yield without end: rows (batch,) of images, columns of one caption each, then of another."""
    order = np.argsort(examples.caption_image_index, kind="stable")
    captions_of = np.split(order, np.cumsum(np.bincount(examples.caption_image_index))[:-1])
    while True:
        shuffled = generator.permutation(len(examples.pixels))
        for start in range(0, len(shuffled) - BATCH_IMAGES + 1, BATCH_IMAGES):
            rows = shuffled[start : start + BATCH_IMAGES]
            chosen = [
                generator.choice(captions_of[row], CAPTIONS_PER_STEP, replace=False) for row in rows
            ]  # batch x (captions,)
            yield rows, np.stack(chosen, axis=1).ravel().tolist()


def _rate(step: int, steps: int) -> float:
    """Return the share of the learning rate: a linear warm-up, then half a cosine."""
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    return 0.5 + 0.5 * math.cos(math.pi * (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS))


def _loss(model: CLIPModel, images: Tensor, texts: dict[str, Tensor]) -> Tensor:
    """Return CLIP's symmetric cross-entropy, averaged over the captions of each image.

    `images` is (batch, 3, size, size); the texts are (captions * batch, length), one caption of
    every image before the next.
    """
    with torch.autocast("cpu", torch.bfloat16):
        image = model.get_image_features(images).pooler_output.float()  # (batch, dim)
        text = model.get_text_features(**texts).pooler_output.float()  # (captions * batch, dim)
    image = functional.normalize(image, dim=-1)
    text = functional.normalize(text, dim=-1).view(-1, *image.shape)  # (captions, batch, dim)
    logits = model.logit_scale.exp() * image @ text.transpose(1, 2)  # (captions, batch, batch)
    target = torch.arange(len(image)).expand(len(text), -1)  # (captions, batch)
    # cross_entropy takes the classes in dimension 1: first the images', then the captions'.
    to_image = functional.cross_entropy(logits, target)
    to_text = functional.cross_entropy(logits.transpose(1, 2), target)
    return (to_image + to_text) / 2


@torch.inference_mode()
def _evaluate(model: CLIPModel, examples: Examples) -> dict[str, float]:
    images, texts = [], []
    for start in range(0, len(examples.pixels), BATCH_IMAGES):
        pixels = examples.images(slice(start, start + BATCH_IMAGES))
        images.append(model.get_image_features(pixels).pooler_output)  # (batch, dim)
    for start in range(0, len(examples.token_ids), BATCH_IMAGES):
        columns = range(start, min(start + BATCH_IMAGES, len(examples.token_ids)))
        texts.append(model.get_text_features(**examples.texts(columns)).pooler_output)
    image, text = (functional.normalize(torch.cat(parts), dim=-1) for parts in (images, texts))
    scores = (image @ text.T).numpy()  # (n_images, n_captions)
    return retrieval_metrics(count_ranks(scores, examples.caption_image_index))
