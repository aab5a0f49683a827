"""The arguments that training and evaluation share, and the files they name."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ModelArguments:
    model_name_or_path: str = field(
        metadata={
            "help": "HF checkpoint folder or hub id, e.g. unc-nlp/lxmert-base-uncased or "
            "openai/clip-vit-base-patch32"
        }
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
        return self.data_dir / f"{_file_split(split)}_features.h5"

    def images_file(self, split: str) -> Path:
        return self.data_dir / f"{_file_split(split)}_images.h5"


def _file_split(split: str) -> str:
    """Return whose HDF5 files hold a split: the images of minival are some of val's."""
    return "val" if split == "minival" else split
