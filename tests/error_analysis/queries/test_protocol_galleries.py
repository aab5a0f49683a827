from dataclasses import replace

import numpy as np
import pytest

from error_analysis.queries.model_rankings import ModelRankings, read_each
from error_analysis.queries.protocol_galleries import (
    description_of,
    galleries_of,
    galleries_of_models,
    protocols_held,
)
from information_retrieval.ranking import protocols
from information_retrieval.ranking.metrics import retrieval_metrics
from information_retrieval.ranking.protocols import protocol_metrics
from information_retrieval.ranking.query_ranks import DIRECTIONS
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_model, make_split, save_rankings
from tests.error_analysis.small_folds import (
    FOLD,
    N_FOLDS,
    N_IMAGES,
    folds_scores,
    folds_split,
)

pytestmark = pytest.mark.usefixtures("small_folds")


def model_of(protocol: str, captions_per_image: int = 2, seed: int = 0) -> ModelRankings:
    scores = folds_scores(seed, captions_per_image)
    model = make_model(scores, folds_split(captions_per_image), f"model{seed}")
    metadata = {**model.rankings.metadata, "protocol": protocol}
    return replace(model, rankings=replace(model.rankings, metadata=metadata))


def slow_ranks(scores: np.ndarray, own: np.ndarray) -> list[int]:
    """For each line of untied scores, how many are above the best of its own."""
    return [int((line > line[mine].max()).sum()) for line, mine in zip(scores, own, strict=True)]


def test_each_fold_ranks_among_its_own_images_and_captions_alone():
    model = model_of("5fold")
    folds = galleries_of(model)
    assert len(folds) == N_FOLDS
    for i, fold in enumerate(folds):
        images = slice(FOLD * i, FOLD * (i + 1))
        block = model.rankings.scores[images, 2 * FOLD * i : 2 * FOLD * (i + 1)]
        own = np.arange(FOLD).repeat(2) == np.arange(FOLD)[:, None]
        assert fold.gallery.image_ids.tolist() == model.gallery.image_ids[images].tolist()
        assert fold.query_ranks("i2t").ranks().tolist() == slow_ranks(block, own)
        assert fold.query_ranks("t2i").ranks().tolist() == slow_ranks(block.T, own.T)
        assert fold.rankings.metadata["fold"] == i
        assert np.shares_memory(fold.rankings.scores, model.rankings.scores)


def test_metrics_of_the_folds_are_those_of_the_protocol():
    model = model_of("5k")
    scores, index = model.rankings.scores, model.rankings.caption_image_index
    expected = protocol_metrics(scores, index, "5fold", FOLD)["folds"]
    folds = galleries_of(model, "5fold")
    assert [retrieval_metrics(fold.rankings.ranks) for fold in folds] == expected


def test_1k_is_the_first_fold():
    model = model_of("5k")
    [first] = galleries_of(model, "1k")
    assert first.protocol == "1k"
    assert "fold" not in first.rankings.metadata
    fold = galleries_of(model, "5fold")[0]
    for direction in DIRECTIONS:
        ranks = [m.query_ranks(direction).ranks().tolist() for m in (first, fold)]
        assert ranks[0] == ranks[1]


def test_the_files_own_protocol_is_the_default_and_changes_nothing():
    for protocol in ("full", "5k", "1k"):
        model = model_of(protocol)
        assert galleries_of(model) == [model]
        assert galleries_of(model, protocol)[0] is model


def test_rankings_of_5fold_are_one_gallery_under_5k():
    model = model_of("5fold")
    [whole] = galleries_of(model, "5k")
    assert (whole.protocol, len(whole.gallery.images)) == ("5k", N_IMAGES)
    assert whole.query_ranks("t2i").ranks().tolist() == model.query_ranks("t2i").ranks().tolist()


def test_captions_beyond_the_fifth_are_left_out():
    counts = [2] * N_IMAGES
    counts[0], counts[3] = 7, 6
    split = make_split(counts)
    scores = np.random.default_rng(0).normal(size=(N_IMAGES, sum(counts))).astype(np.float32)
    [first] = galleries_of(make_model(scores, split), "1k")
    kept = [0, 1, 2, 3, 4, *range(7, 11), *range(11, 16), *range(17, 17 + 2 * (FOLD - 4))]
    assert first.rankings.caption_ids.tolist() == split.caption_ids[kept].tolist()
    assert first.gallery.caption_ids.tolist() == split.caption_ids[kept].tolist()
    assert np.array_equal(first.rankings.scores, scores[:FOLD, kept])
    metrics = protocol_metrics(scores, split.caption_image_index, "1k", FOLD)["metrics"]
    assert retrieval_metrics(first.rankings.ranks) == metrics


@pytest.mark.parametrize("protocol", ["5fold", "5k"])
def test_too_few_images_for_a_protocol_are_told(protocol):
    model = make_model(np.eye(FOLD, dtype=np.float32), make_split([1] * FOLD))
    with pytest.raises(
        InputError, match=rf"model/test\.npz: protocol {protocol} takes 60 .* 12 images"
    ):
        galleries_of(model, protocol)


def test_a_part_of_a_split_is_not_taken_for_all_of_it():
    with pytest.raises(InputError, match=r"full takes every image .* rankings of protocol 5k"):
        galleries_of(model_of("5k"), "full")


def test_a_larger_gallery_of_one_model_is_compared_over_the_smaller_one_of_another():
    large, [small] = model_of("5k"), galleries_of(model_of("5k", seed=1), "1k")
    [models] = galleries_of_models([large, small], "1k")
    assert [len(m.gallery.images) for m in models] == [FOLD, FOLD]
    with pytest.raises(InputError, match="expected the gallery of"):
        galleries_of_models([large, small])


def test_models_are_together_in_each_fold():
    galleries = galleries_of_models([model_of("5fold"), model_of("5fold", seed=1)])
    assert [[m.name for m in models] for models in galleries] == [["model0", "model1"]] * N_FOLDS


def test_5fold_and_5k_files_are_compared_only_when_told_how():
    models = [model_of("5fold"), model_of("5k", seed=1)]
    with pytest.raises(InputError, match="say by --protocol"):
        galleries_of_models(models)
    assert len(galleries_of_models(models, "5fold")) == N_FOLDS
    assert len(galleries_of_models(models, "5k")) == 1


def test_a_file_that_does_not_tell_its_protocol_is_compared_over_the_same_gallery():
    [models] = galleries_of_models([model_of("full"), model_of("5k", seed=1)])
    assert len(models) == 2


def test_all_protocols_that_the_rankings_hold_are_found(monkeypatch):
    assert protocols_held([model_of("full")]) == ["full", "1k", "5fold", "5k"]
    assert protocols_held([model_of("5k")]) == ["5k", "1k", "5fold"]
    [small] = galleries_of(model_of("5k", seed=1), "1k")
    assert protocols_held([model_of("5k"), small]) == ["1k"]
    monkeypatch.setitem(protocols.GALLERY_IMAGES, "1k", N_IMAGES + 1)
    monkeypatch.setitem(protocols.GALLERY_IMAGES, "5k", N_IMAGES + 1)
    monkeypatch.setitem(protocols.GALLERY_IMAGES, "5fold", N_IMAGES + 1)
    assert protocols_held([model_of("full")]) == ["full"]


def test_folds_are_described_with_their_sizes_in_all():
    described = description_of(galleries_of(model_of("5fold")))
    assert described["gallery"] == {"images": N_IMAGES, "captions": 2 * N_IMAGES}
    assert (described["protocol"], described["folds"]) == ("5fold", N_FOLDS)
    assert "folds" not in description_of(galleries_of(model_of("5k")))


def test_a_caption_that_one_model_lacks_is_named(tmp_path):
    split, scores = folds_split(2), folds_scores(0, 2)
    lacking = replace(
        split,
        images=(replace(split.images[0], captions=split.images[0].captions[:1]), *split.images[1:]),
    )
    paths = [
        save_rankings(tmp_path / "a" / "test.npz", scores, split),
        save_rankings(
            tmp_path / "b" / "test.npz",
            np.delete(scores, 1, axis=1),
            lacking,
            split_sha256=split.sha256,
        ),
    ]
    with pytest.raises(InputError, match=r"b/test\.npz: .* without caption 5001\)"):
        galleries_of_models(read_each(paths, split))
