import numpy as np
import pytest

from error_analysis.relevance.extended_metrics import extended_metrics
from error_analysis.relevance.extended_relevance import (
    ExtendedRelevance,
    own_pairs,
    relevance_from_pairs,
)
from information_retrieval.ranking.query_ranks import DIRECTIONS
from tests.error_analysis.scored import make_model, make_split


def relevance_of(captions: dict, images: dict) -> ExtendedRelevance:
    frozen = [{q: frozenset(d) for q, d in labels.items()} for labels in (captions, images)]
    return ExtendedRelevance("x", "x.json", *frozen)


def test_hand_computed_metrics_of_one_query():
    # Captions by score: 5003 5000 5002 5001; three suit, of which the second and third are found.
    scores = np.array([[0.8, 0.1, 0.5, 0.9], [0, 0, 0, 0]], np.float32)
    model = make_model(scores, make_split([2, 2]))
    metrics = extended_metrics(model, "i2t", relevance_of({100: [5000, 5001, 5002]}, {}))
    assert metrics.n_queries == 1
    assert metrics.recalls == (0, 100, 100)
    assert metrics.r_precision == pytest.approx(100 * 2 / 3)
    assert metrics.map_at_r == pytest.approx(100 * (0 + 1 / 2 + 2 / 3) / 3)


def test_where_documents_tie_recall_is_the_share_of_their_orders():
    scores = np.array([[0.5, 0.5, 0.5], [0, 0, 0], [0, 0, 0]], np.float32)
    model = make_model(scores, make_split([1, 1, 1]))
    one = extended_metrics(model, "i2t", relevance_of({100: [5000]}, {}))
    two = extended_metrics(model, "i2t", relevance_of({100: [5000, 5001]}, {}))
    assert one.recalls[0] == pytest.approx(100 / 3)
    assert two.recalls[0] == pytest.approx(200 / 3)


def test_the_splits_own_pairs_give_the_projects_own_recalls():
    generator = np.random.default_rng(0)
    split = make_split([1, 2, 3] * 30)
    scores = generator.normal(size=(90, 180)).round(1).astype(np.float32)
    model = make_model(scores, split)
    relevance = relevance_from_pairs("own", "", own_pairs(split), own_pairs(split))
    expected = model.metrics()["metrics"]
    for direction in DIRECTIONS:
        metrics = extended_metrics(model, direction, relevance).to_json()
        assert metrics["queries"] == len(relevance.documents(direction))
        for k in (1, 5, 10):
            assert metrics[f"r{k}"] == pytest.approx(expected[f"{direction}_r{k}"])


def test_queries_and_documents_outside_the_gallery_are_left_out():
    scores = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
    model = make_model(scores, make_split([1, 1]))
    relevance = relevance_of({100: [5001, 9999], 101: [9999], 900: [5000]}, {9999: [100]})
    assert extended_metrics(model, "i2t", relevance).n_queries == 1
    assert extended_metrics(model, "i2t", relevance).recalls == (100, 100, 100)
    assert extended_metrics(model, "t2i", relevance) is None


def test_they_are_the_numbers_of_eccv_caption():
    package = pytest.importorskip("eccv_caption")
    metrics_of = pytest.importorskip("eccv_caption._metrics")
    assert package.Metrics
    generator = np.random.default_rng(1)
    split = make_split([3] * 40)
    model = make_model(generator.normal(size=(40, 120)).astype(np.float32), split)
    judged = {
        image: set(generator.choice(split.caption_ids, generator.integers(1, 9)).tolist())
        for image in split.image_ids.tolist()
    }
    ranked = {
        image: split.caption_ids[np.argsort(-line)].tolist()
        for image, line in zip(split.image_ids.tolist(), model.rankings.scores, strict=True)
    }
    ours = extended_metrics(model, "i2t", relevance_of(judged, {}))
    theirs = metrics_of.compute_eccv_metrics(ranked, judged)
    assert ours.recalls[0] == pytest.approx(100 * theirs["eccv_r1"])
    assert ours.r_precision == pytest.approx(100 * theirs["eccv_rprecision"])
    assert ours.map_at_r == pytest.approx(100 * theirs["eccv_map_at_r"])
    for k, recall in zip((1, 5, 10), ours.recalls, strict=True):
        found = metrics_of.compute_r_at_k(ranked, judged, K=k)
        assert recall == pytest.approx(100 * found)
