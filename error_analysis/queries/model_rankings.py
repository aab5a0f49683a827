"""The rankings of one or several models over one gallery, under unique names."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from information_retrieval.ranking.gallery import gallery_of
from information_retrieval.ranking.protocols import Protocol, protocol_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS, Direction, QueryRanks
from information_retrieval.ranking.rankings import Rankings, read_rankings
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class ModelRankings:
    """What one model made of a gallery.

    Attributes:
        name: short and unique among the models that are looked at together.
        path: the rankings file.
        gallery: the images and captions that were scored, in the order of the scores.
        rankings: scores and ranks.
    """

    name: str
    path: Path
    gallery: Split
    rankings: Rankings

    @property
    def protocol(self) -> Protocol:
        """The protocol that the scores were made for; `full` where the file does not tell."""
        return self.rankings.metadata.get("protocol", "full")

    def scores(self, direction: Direction) -> np.ndarray:
        """Return the scores with queries as rows: (n_queries, n_documents) float32, a view."""
        return self.rankings.scores if direction == "i2t" else self.rankings.scores.T

    def query_ranks(self, direction: Direction) -> QueryRanks:
        """Return the ranks of the image queries (i2t) or caption queries (t2i)."""
        return self.rankings.ranks.of(direction)

    def image_of_query(self, direction: Direction) -> np.ndarray:
        """Return the row of the image that each query is or belongs to, (n_queries,) int64."""
        if direction == "i2t":
            return np.arange(len(self.rankings.image_ids))
        return self.rankings.caption_image_index

    def metrics(self) -> dict:
        """Compute the metrics under the model's protocol (see `protocol_metrics`)."""
        index = self.rankings.caption_image_index
        return protocol_metrics(self.rankings.scores, index, self.protocol)

    def description(self) -> dict:
        """Return where the rankings come from, for the metadata of an output file."""
        metadata, n_images = self.rankings.metadata, len(self.gallery.images)
        return {
            "name": self.name,
            "rankings": str(self.path),
            "model": metadata.get("model"),
            "dataset": self.gallery.dataset,
            "split": self.gallery.split,
            "split_sha256": metadata.get("split_sha256"),
            "protocol": self.protocol,
            "gallery": {"images": n_images, "captions": len(self.gallery.captions)},
            "ties": "expected",
        }


def check_same_gallery(models: Sequence[ModelRankings]) -> None:
    """Raise InputError unless all models scored the same images and captions, in one order."""
    first = models[0]
    for model in models[1:]:
        for what in ("image_ids", "caption_ids", "caption_image_index"):
            if not np.array_equal(getattr(model.rankings, what), getattr(first.rankings, what)):
                raise InputError(
                    f"{model.path}: expected the gallery of {first.path} "
                    f"({_gallery_size(first)}), found another {what} ({_gallery_size(model)}"
                    f"{_lacking(model, first, what)}); evaluate both with one split file and one "
                    "--protocol"
                )


def _lacking(model: ModelRankings, other: ModelRankings, what: str) -> str:
    """Name the first image or caption of `other` that `model` has not scored."""
    ids = getattr(other.rankings, what)
    lacking = ids[~np.isin(ids, getattr(model.rankings, what))]
    return f", without {what.removesuffix('_ids')} {lacking[0]}" if len(lacking) else ""


def _gallery_size(model: ModelRankings) -> str:
    n_images, n_captions = model.rankings.scores.shape
    return f"{n_images:,} images, {n_captions:,} captions"


def unique_names(
    paths: Sequence[Path],
    rankings: Sequence[Rankings],
    names: Sequence[str] | None,
    reserved: Iterable[str] = (),
) -> list[str]:
    """Return one name for each file: the given ones, or else what the file or its folder tells.

    A file tells its name by "name" in its metadata; otherwise its folder names it, so that
    runs/clip/test.npz is "clip".

    Raises:
        InputError: another number of names than of files, an empty or reserved name, or one
            that occurs twice.
    """
    if names is None:
        names = [
            str(r.metadata.get("name") or path.resolve().parent.name)
            for path, r in zip(paths, rankings, strict=True)
        ]
    if len(names) != len(paths):
        raise InputError(f"--names: expected {len(paths)}, one a rankings file, found {len(names)}")
    reserved = sorted(reserved)
    for name in names:
        if not name.strip() or name in reserved or list(names).count(name) > 1:
            besides = f", other than {', '.join(reserved)}" if reserved else ""
            raise InputError(
                f"--names: expected a unique name for each rankings file{besides}; found "
                f"{', '.join(map(repr, names))}"
            )
    return list(names)


def read_model_rankings(
    paths: Sequence[Path],
    split: Split,
    names: Sequence[str] | None = None,
    reserved_names: Iterable[str] = (),
) -> list[ModelRankings]:
    """Read rankings files of one gallery; arguments and errors as `read_each`.

    A part of the public interface (docs/python.md).

    Raises:
        InputError: also when the files are of different galleries.
    """
    models = read_each(paths, split, names, reserved_names)
    check_same_gallery(models)
    return models


def read_each(
    paths: Sequence[Path],
    split: Split,
    names: Sequence[str] | None = None,
    reserved_names: Iterable[str] = (),
) -> list[ModelRankings]:
    """Read rankings files of one split, whose galleries may differ.

    Args:
        paths: one file a model.
        split: the split that they were made with.
        names: one name a model; None: see `unique_names`.
        reserved_names: names that no model may have.

    Raises:
        InputError: an unreadable file, rankings of another split, or names that are not unique.
    """
    rankings = [read_rankings(path, split) for path in paths]
    return [
        ModelRankings(name, path, gallery_of(r, split), r)
        for name, path, r in zip(
            unique_names(paths, rankings, names, reserved_names), paths, rankings, strict=True
        )
    ]


def ranks_sha256(model: ModelRankings) -> str:
    """Return a hash of a model's ranks and of the queries they are of."""
    digest = hashlib.sha256()
    for ids in (model.rankings.image_ids, model.rankings.caption_ids):
        digest.update(ids.astype("<i8").tobytes())
    for direction in DIRECTIONS:
        digest.update(model.query_ranks(direction).ranks().astype("<f8").tobytes())
    return digest.hexdigest()
