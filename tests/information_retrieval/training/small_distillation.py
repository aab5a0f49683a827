"""A small student, teacher and data, and the command that trains with them."""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from information_retrieval.train import main
from preprocess.encoders.encoding import describe, write_encodings
from preprocess.encoders.image_encoder import load_image_encoder
from preprocess.storage.encodings_file import EncodingsWriter
from preprocess.storage.images_file import ImagesFile
from tests.conftest import write_images_of
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre
from tests.preprocess.encoders.tiny_beit import save_beit

BATCH = 4


def cache_targets(teacher: Path, images_file: Path, output: Path) -> Path:
    """Write the targets of a split, in batches as training has them."""
    encoder, images = load_image_encoder(str(teacher)), ImagesFile(images_file)
    about = describe(encoder, images)
    with EncodingsWriter(output, images.image_ids, encoder.width, "float32", about) as writer:
        assert not write_encodings(writer, encoder, images, BATCH, 0, "targets")
        writer.finish()
    return output


class Distillation:
    """What a training reads, made as it is asked for.

    Args:
        folder: to write to; runs, too.
        data: splits and image files, as of tests/conftest.py.
        run_main: its fixture.
    """

    def __init__(self, folder: Path, data: Path, run_main: Callable):
        self.folder, self.data, self.run_main = folder, data, run_main
        self.student = save_sx3hre(folder / "student")
        self.teacher = save_beit(folder / "teacher")
        for name in ("train", "val"):
            write_images_of(data, name)

    @cached_property
    def targets(self) -> Path:
        """Of the training images, by the teacher."""
        images, output = (self.data / f"train_{what}.h5" for what in ("images", "targets"))
        return cache_targets(self.teacher, images, output)

    @staticmethod
    def arm(alignment: str) -> list:
        """The options of an arm and of one short epoch."""
        return ["--alignment", alignment, "--num_train_epochs", 1, "--learning_rate", 1e-2]

    def run(self, *options, output: str = "run") -> tuple[str | int, Path]:
        """Train with batches of 4 unless the options say; gives the status and the folder."""
        folder = self.folder / "runs" / output
        arguments = ["--model_name_or_path", self.student, "--data_dir", self.data]
        arguments += ["--output_dir", folder, "--use_cpu", "--disable_tqdm", "True"]
        arguments += ["--per_device_train_batch_size", BATCH, "--logging_steps", 1]
        return self.run_main(main, *arguments, *options), folder

    def trained(self, *options, output: str = "run") -> Path:
        status, folder = self.run(*options, output=output)
        assert status == 0
        return folder


def logs(output: Path) -> list[dict]:
    """The logs of the steps of a run."""
    history = json.loads((output / "trainer_state.json").read_text())["log_history"]
    return [log for log in history if "loss" in log]
