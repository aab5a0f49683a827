"""The arguments that training and evaluation share, and the files they name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from preprocess.base.command_line import check_at_least
from preprocess.captions.split_file import read_split

LongCaptions = Literal["cut", "error"]
WrongAnswers = Literal["error", "warn"]
Score = Literal["itm", "itc"]


@dataclass
class ModelArguments:
    model_name_or_path: str = field(
        metadata={
            "help": "HF checkpoint folder or hub id, e.g. unc-nlp/lxmert-base-uncased or "
            "openai/clip-vit-base-patch32"
        }
    )


@dataclass
class InputArguments:
    """What is done with odd input."""

    long_captions: LongCaptions = field(
        default="cut",
        metadata={
            "help": "captions of more tokens than the model has positions: cut as the model's own "
            "tokenizer does, counted and named; or an error"
        },
    )
    wrong_answers: WrongAnswers = field(
        default="error",
        metadata={
            "help": "an answer that is surely wrong to a question that `preflight` asks (channels, "
            "token ids, boxes, detector): an error, or a warning for who knows better"
        },
    )


@dataclass
class DataArguments:
    data_dir: Path = field(
        metadata={
            "help": "folder of {split}.json, {split}_features.h5 (LXMERT) and {split}_images.h5 "
            "(CLIP)"
        }
    )

    def split_file(self, split: str) -> Path:
        return self.data_dir / f"{split}.json"

    def features_file(self, split: str) -> Path:
        return self._hdf5_file(split, "features")

    def images_file(self, split: str) -> Path:
        return self._hdf5_file(split, "images")

    def _hdf5_file(self, split: str, what: str) -> Path:
        """Return the file of a split: minival's images are some of val's, unless it has its own."""
        own = self.data_dir / f"{split}_{what}.h5"
        if split == "minival" and not own.exists() and not self._has_other_images():
            return self.data_dir / f"val_{what}.h5"
        return own

    def _has_other_images(self) -> bool:
        """Tell whether minival has ids of val for other images, as where both are numbered anew."""
        files = [self.split_file(name) for name in ("minival", "val")]
        if not all(path.exists() for path in files):
            return False
        minival, val = (
            {image.image_id: image.file_name for image in read_split(path).images} for path in files
        )
        return any(val.get(i, name) != name for i, name in minival.items())


@dataclass(kw_only=True)
class ComputeArguments:
    """How a model computes."""

    dtype: Literal["float32", "bfloat16", "float16"] = field(
        default="float32", metadata={"help": "type that the model computes in (autocast)"}
    )
    batch_size: int = field(default=64, metadata={"help": "images or captions encoded at once"})
    num_workers: int = field(default=0, metadata={"help": "processes that read and decode images"})
    device: str | None = field(
        default=None,
        metadata={"help": "torch device to compute on. Default: a GPU if there is one, else cpu"},
    )

    def __post_init__(self) -> None:
        check_at_least("--batch_size", self.batch_size, 1)
        check_at_least("--num_workers", self.num_workers, 0)


@dataclass(kw_only=True)
class ScoreArguments:
    """Which score, of a model that has two."""

    score: Score | None = field(
        default=None,
        metadata={
            "help": "X-VLM: itm, the matching head's logit after the fusion layers, is the "
            "default; itc, the cosine of image and text encoder, costs next to nothing a pair"
        },
    )
