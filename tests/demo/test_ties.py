"""Ties of real model scores in half precision, against random orders of what is tied."""

import numpy as np
import pytest
import torch

from demo.render import RenderArguments, render
from information_retrieval.evaluate import main as evaluate
from information_retrieval.ranking.metrics import CUTOFFS, recall_at_k
from information_retrieval.ranking.rank_counter import count_ranks
from preprocess.captions.annotations import read_karpathy
from preprocess.captions.split_file import write_split
from preprocess.storage.images_file import write_images_file

N_ORDERS = 1000


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_recalls_are_the_mean_of_a_thousand_random_orders(demo_scores, dtype):
    scores, index = demo_scores
    scores = torch.from_numpy(scores).to(dtype).float().numpy()
    relevant = index == np.arange(len(scores))[:, None]  # (n_images, n_captions)
    ranks = count_ranks(scores, index)
    for of_queries, matrix, truth in (
        (ranks.i2t, scores, relevant),
        (ranks.t2i, scores.T, relevant.T),
    ):
        drawn = recalls_of_orders(matrix, truth)  # (N_ORDERS, 3)
        assert (drawn.std(axis=0) > 0).any() or dtype == torch.float16
        error = drawn.std(axis=0) / np.sqrt(N_ORDERS)
        expected = [recall_at_k(of_queries, k) for k in CUTOFFS]
        assert (np.abs(drawn.mean(axis=0) - expected) <= 4 * error + 1e-9).all()


@pytest.fixture(scope="module")
def demo_scores(tmp_path_factory) -> tuple[np.ndarray, np.ndarray]:
    """The demo's CLIP on 100 of its images: scores (100, 500), and the captions' rows."""
    data = tmp_path_factory.mktemp("demo")
    render(RenderArguments(data, n_train=1, n_restval=1, n_val=1, n_test=100))
    split = read_karpathy(data / "dataset_coco.json").splits["test"]
    write_split(data / "test.json", split)
    encoded = [(data / "images" / image.file_name).read_bytes() for image in split.images]
    write_images_file(data / "test_images.h5", split.image_ids, encoded)
    arguments = ["--model_name_or_path", "demo/models/clip", "--data_dir", data]
    arguments += ["--protocol", "full", "--output", data / "clip" / "test.npz"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["evaluate", *map(str, arguments)])
        evaluate()
    file = np.load(data / "clip" / "test.npz")
    return file["logits"], file["caption_image_index"]


def recalls_of_orders(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Sort the documents of each query by score, those tied by chance, and look for the first.

    Only queries whose first ground truth is beside a wrong document are sorted again and again.
    """
    best = np.where(relevant, scores, -np.inf).max(axis=1)[:, None]
    by_chance = ((scores == best) & ~relevant).any(axis=1)
    generator = np.random.default_rng(0)
    places = np.empty((N_ORDERS, len(scores)), np.int64)
    places[:] = first_ground_truth(scores, relevant, generator)
    for order in places:
        order[by_chance] = first_ground_truth(scores[by_chance], relevant[by_chance], generator)
    return np.stack([100 * (places < k).mean(axis=1) for k in CUTOFFS], axis=1)


def first_ground_truth(scores: np.ndarray, relevant: np.ndarray, generator) -> np.ndarray:
    """The place of the first ground truth of each query (row), in one random order of ties."""
    order = np.lexsort((generator.random(scores.shape), -scores), axis=1)
    return np.take_along_axis(relevant, order, axis=1).argmax(axis=1)
