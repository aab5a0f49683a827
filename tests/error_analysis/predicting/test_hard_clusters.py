"""Clusters of hard queries."""

import numpy as np
import pytest

from error_analysis.predicting.hard_clusters import (
    cluster_queries,
    clusters_to_json,
    clusters_to_text,
    query_texts,
)
from tests.error_analysis.scored import make_split

TEXTS = [
    "a red train at the station", "the train leaves the station", "a blue train in a station",
    "a train near a station", "two goats eat grass", "goats on the grass",
    "goats in grass beside trees", "an easy caption of a pizza", "!?", "🐕",
]  # fmt: skip


def test_queries_that_say_the_same_are_together_largest_cluster_first():
    found = cluster_queries(TEXTS, np.array([0, 1, 2, 3, 4, 5, 6]), 2)
    first, second = found.clusters
    assert sorted(first.members.tolist()) == [0, 1, 2, 3]
    assert set(first.words[:2]) == {"train", "station"}
    assert sorted(second.members.tolist()) == [4, 5, 6]
    assert set(second.words[:2]) == {"goats", "grass"}
    assert second.members[0] == 5  # says nothing else


def test_captions_without_words_are_put_aside():
    found = cluster_queries(TEXTS, np.array([8, 4, 9]), 3)
    assert found.without_words.tolist() == [8, 9]
    assert [cluster.members.tolist() for cluster in found.clusters] == [[4]]
    assert "2 queries without a content word" in clusters_to_text(found, TEXTS)
    content = clusters_to_json(found, TEXTS, np.arange(10) + 50)
    assert content["without_words"] == [58, 59]
    assert content["clusters"][0]["ids"] == [54]


@pytest.mark.parametrize("chosen", [[], [8, 9]])
def test_without_hard_queries_there_is_no_cluster(chosen):
    found = cluster_queries(TEXTS, np.array(chosen, np.int64), 4)
    assert found.clusters == ()


def test_there_are_no_more_clusters_than_pairs_of_different_texts():
    same = ["a red dog"] * 5 + ["a cat"]
    found = cluster_queries(same, np.arange(6), 6)
    [cluster] = found.clusters
    assert len(cluster.members) == 6
    [listed] = clusters_to_json(found, same, np.arange(6))["clusters"]
    assert listed["typical"] == ["a red dog", "a cat"]


def test_the_same_seed_gives_the_same_clusters():
    chosen = np.arange(7)
    one, other = (cluster_queries(TEXTS, chosen, 3, seed=7).clusters for _ in range(2))
    assert [c.members.tolist() for c in one] == [c.members.tolist() for c in other]


def test_an_image_query_says_what_all_its_captions_say():
    gallery = make_split([2, 1], "about {}")
    assert query_texts(gallery, "i2t") == ["about 5000 about 5001", "about 5002"]
    assert query_texts(gallery, "t2i") == ["about 5000", "about 5001", "about 5002"]
