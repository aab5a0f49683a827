"""Step: Sx3HRe's training steps at the published size, cached targets against the teacher asked.

Batches are of 256 pairs, the published ones of a card, or halves of them until they fit its memory.
They are on the card already: these are the card's figures; `of_asked` is the ratio of pairs a
second with cached targets to those with the teacher. `loaded` are the steps as training takes them,
images decoded by workers, with the share that waits for these. Arm `itc`; the teacher computes in
float32, as in training. Weights and images are random.
"""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from benchmarks.gpu.finetuning import Steps
from benchmarks.gpu.record import Record, timed
from benchmarks.gpu.types import computing_in
from benchmarks.sx3hre_training import PUBLISHED, make_recipe, save_models, write_data
from benchmarks.training_steps import train_on
from preprocess.encoders.encoding import describe, write_encodings
from preprocess.encoders.image_encoder import load_image_encoder
from preprocess.storage.encodings_file import EncodingsWriter
from preprocess.storage.images_file import ImagesFile

LEAST_BATCH = 16  # fewer are no reason to go on


@dataclass(frozen=True)
class Sizes:
    """How wide student and teacher are, and what they are trained on.

    `in_memory` batches are on the card; `loaded` come from the loader, after one more.
    """

    widths: dict[str, int]
    images: int
    captions: int
    batch: int
    in_memory: int
    loaded: int
    kinds: tuple[str, ...]


FULL = Sizes(PUBLISHED, 64, 16, 256, 2, 3, ("bfloat16", "float16", "tf32", "float32"))
TINY = {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 32}
DRY = Sizes(TINY, 4, 2, 4, 1, 1, ("bfloat16", "float32"))


def write_targets(folder: Path, device: torch.device) -> Path:
    """Write what the teacher makes of the images, as preprocess.encode_images does."""
    images, path = ImagesFile(folder / "images.h5"), folder / "targets.h5"
    teacher = load_image_encoder(str(folder / "teacher"), device)
    about = describe(teacher, images)
    with EncodingsWriter(path, images.image_ids, teacher.shape, "float32", about) as writer:
        write_encodings(writer, teacher, images, len(images), 0, "targets")
        writer.finish()
    return path


class InMemory:
    """Training steps on batches that are on the device."""

    def __init__(self, steps: Steps, n_batches: int):
        self.steps, self.size = steps, steps.batch_size
        self.batches = [
            {key: value.to(steps.device) for key, value in batch.items()}
            for batch in islice(steps.loader(), n_batches)
        ]

    def take(self, kind: str) -> dict:
        """Train on all batches; on halves of them, from then on, where they do not fit."""
        while True:
            try:
                return self._take(kind)
            except torch.OutOfMemoryError:
                if self.size <= LEAST_BATCH:
                    raise
            self.size //= 2
            torch.cuda.empty_cache()

    def _take(self, kind: str) -> dict:
        steps = self.steps
        add_targets = steps.recipe.add_targets or (lambda batch: batch)

        def train() -> None:
            for whole in self.batches:
                batch = {key: value[: self.size] for key, value in whole.items()}
                train_on(add_targets(batch), steps.model, steps.optimizer, dtype)

        with computing_in(kind, steps.device, autocast=False) as dtype:
            times = timed(steps.device, train, 3)
        rate = self.size * len(self.batches) / times["seconds"]
        return {"pairs_per_second": rate, "batch": self.size, **times}


def measure(record: Record) -> None:
    sizes = DRY if record.dry_run else FULL
    folder = record.folder
    save_models(folder, sizes.widths)
    split = write_data(folder, sizes.images, sizes.captions)
    cached_recipe = make_recipe(folder, split, targets=write_targets(folder, record.device))
    cached_steps = Steps(record, cached_recipe, sizes.batch, sizes.loaded)
    asked_recipe = make_recipe(folder, split, teacher=str(folder / "teacher"))
    cached = InMemory(cached_steps, sizes.in_memory)
    asked = InMemory(Steps(record, asked_recipe, sizes.batch, sizes.loaded), sizes.in_memory)

    def beside(kind: str, before: dict) -> dict:
        found = cached.take(kind)
        ratio = found["pairs_per_second"] / before["pairs_per_second"]
        return {"of_asked": ratio, **found}

    for kind in sizes.kinds:
        before = record.add(f"teacher asked, {kind}", partial(asked.take, kind))
        record.add(f"targets cached, {kind}", partial(beside, kind, before))
        if kind == sizes.kinds[0]:
            record.add(f"targets cached, {kind}, loaded", partial(cached_steps.take, kind))
