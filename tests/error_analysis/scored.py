"""Small scored galleries whose ranks are known by construction."""

from pathlib import Path

import numpy as np
from PIL import Image

from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.query_ranks import QueryRanks
from information_retrieval.ranking.rankings import rank_scores, write_rankings
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.storage.images_file import write_images_file

FIRST_IMAGE, FIRST_CAPTION = 100, 5000


def make_split(captions_per_image: list[int], text: str = "caption {}") -> Split:
    """Images 100, 101, ... with captions 5000, 5001, ... in this order."""
    images, caption_id = [], FIRST_CAPTION
    for i, n_captions in enumerate(captions_per_image):
        ids = range(caption_id, caption_id + n_captions)
        captions = tuple(Caption(j, text.format(j)) for j in ids)
        images.append(CaptionedImage(FIRST_IMAGE + i, f"{FIRST_IMAGE + i}.jpg", captions))
        caption_id += n_captions
    return Split("tiny", "test", "made by a test", tuple(images))


def gallery_of(*captions: tuple[str, ...]) -> Split:
    """Images 0, 1, ... with these captions, numbered 100 times the image's id and on."""
    images = []
    for image_id, texts in enumerate(captions):
        named = tuple(Caption(100 * image_id + i, text) for i, text in enumerate(texts))
        images.append(CaptionedImage(image_id, f"{image_id}.jpg", named))
    return Split("tiny", "test", "made by a test", tuple(images))


def scores_with_ranks(ranks: list[float]) -> np.ndarray:
    """Square scores in which the document of query (row) i has rank `ranks[i]`.

    Its score is 0; as many others as the rank tells have 1, the rest -1; half a rank is one tie.
    """
    n = len(ranks)
    scores = np.full((n, n), -1, np.float32)
    for i, rank in enumerate(ranks):
        others = [(i + step) % n for step in range(1, n)]
        scores[i, others[: int(rank)]] = 1
        if rank != int(rank):
            scores[i, others[int(rank)]] = 0
        scores[i, i] = 0
    return scores


def untied(ranks: list[int] | np.ndarray) -> QueryRanks:
    """Ranks that depend on no ties."""
    higher = np.asarray(ranks, np.int64)
    return QueryRanks(higher, np.zeros_like(higher), np.ones_like(higher))


def make_model(
    scores: np.ndarray, split: Split, name: str = "model", path: Path = Path("model/test.npz")
) -> ModelRankings:
    metadata = {"model": f"tiny/{name}", "split_sha256": split.sha256, "protocol": "full"}
    return ModelRankings(name, path, split, rank_scores(scores, split, metadata))


def model_of_ranks(i2t: list[float], name: str = "model") -> ModelRankings:
    """A model with these ranks of image queries; the ranks of caption queries just follow."""
    return make_model(scores_with_ranks(i2t), make_split([1] * len(i2t)), name)


def save_rankings(path: Path, scores: np.ndarray, split: Split, **metadata) -> Path:
    told = {"model": "tiny", "split_sha256": split.sha256, "protocol": "full", **metadata}
    write_rankings(path, rank_scores(scores, split, told))
    return path


def save_images(path: Path, split: Split) -> Path:
    """An images file of flat colours, and one portrait image at the start."""
    folder = path.parent / "source_images"
    folder.mkdir()
    encoded = []
    for i, image in enumerate(split.images):
        file = folder / image.file_name
        Image.new("RGB", (200, 300) if i == 0 else (300, 200), (9 * i % 256, 99, 0)).save(file)
        encoded.append(file.read_bytes())
    write_images_file(path, split.image_ids, encoded, source_ids=split.source_ids)
    return path


def random_model(
    captions_per_image: list[int], seed: int = 0, strength: float = 1.0, decimals: int = 1
):
    """Scores in which ground truths are somewhat higher, rounded so that some are tied."""
    split = make_split(captions_per_image)
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(len(split.images), len(split.captions)))
    scores[split.caption_image_index, np.arange(len(split.captions))] += strength
    return make_model(np.round(scores, decimals).astype(np.float32), split)
