"""What rankings tell before they are analysed: names, checkpoints, whether captions can rank."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from error_analysis.statistics.cascades import read_cascades
from information_retrieval.models.arguments import DataArguments
from information_retrieval.ranking.protocols import GALLERY_IMAGES, Protocol, protocol_split
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split, read_split


@dataclass(frozen=True)
class Told:
    """What the rankings of some models over one gallery tell.

    Attributes:
        names: of the models, in the order of the files.
        metadata: what made each model's rankings.
        image_ids: (n_images,) int64, of the gallery.
        asked: the positions of the models that were asked by generated captions, too, in the order
            of their files.
        oracle: the protocol by which the caption oracle ranks the same gallery; None: none does.
    """

    names: tuple[str, ...]
    metadata: tuple[dict, ...]
    image_ids: np.ndarray
    oracle: Protocol | None
    asked: tuple[int, ...] = ()


def read_told(
    paths: Sequence[Path],
    names: Sequence[str] | None,
    split_file: Path,
    cascades: Sequence[Path] = (),
) -> Told:
    """Read rankings, and keep no scores; cascades are read to see whether the report can.

    Raises:
        InputError: as `read_model_rankings` and `read_cascades`.
    """
    split = read_split(split_file)
    models = read_model_rankings(paths, split, names)
    read_cascades(cascades, models[0])
    return Told(
        tuple(model.name for model in models),
        tuple(model.rankings.metadata for model in models),
        models[0].rankings.image_ids,
        oracle_protocol(split, models[0]),
    )


def oracle_protocol(split: Split, model: ModelRankings) -> Protocol | None:
    """Return the protocol by which `caption_oracle` ranks the gallery of a model.

    Returns:
        None where most images have one caption, so that it would find few, or where the gallery is
        that of no protocol, so that it would rank others.
    """
    images = model.gallery.images
    if 2 * sum(len(image.captions) > 1 for image in images) < len(images):
        return None
    protocols: tuple[Protocol, ...] = (model.protocol, "full", "1k", "5k")
    for protocol in protocols:
        has_images = len(split.images) >= GALLERY_IMAGES.get(protocol, 0)
        if has_images and protocol_split(split, protocol).images == images:
            return protocol
    return None


def check_probed(name: str, metadata: dict, split_file: Path) -> None:
    """Raise InputError unless a model's checkpoint, and the HDF5 file it reads, seem to be there.

    Args:
        metadata: of its rankings.
        split_file: beside which the HDF5 file lies.
    """
    data, split = DataArguments(split_file.parent), split_file.stem
    checkpoint = metadata.get("model")
    reads = data.features_file if "features_sha256" in metadata else data.images_file
    if checkpoint is None or "scores_file" in metadata:
        found = "rankings that name no checkpoint"
    # A hub id has one slash at most.
    elif not Path(checkpoint).is_dir() and len(Path(checkpoint).parts) > 2:
        found = f"made by {checkpoint}, which is no folder here"
    elif data.split_file(split) != split_file:
        found = f"expected a split file *.json, found {split_file}"
    elif not reads(split).is_file():
        found = f"the model reads {reads(split)}, and there is no such file"
    else:
        return
    raise InputError(f"--probe_models {name}: {metadata['path']}: {found}")


def predicts_boxes(metadata: dict) -> bool:
    """Return whether the checkpoint that made rankings is a folder of an X-VLM with a box head."""
    try:
        config = json.loads((Path(metadata["model"]) / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False  # no folder, or one that the probe of typos tells about
    return config.get("model_type") == "xvlm" and config.get("has_box_head", False)
