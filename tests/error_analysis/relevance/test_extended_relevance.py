from error_analysis.relevance.extended_relevance import (
    ExtendedRelevance,
    belonging_to,
    own_pairs,
    relevance_from_pairs,
    with_own_pairs,
)
from tests.error_analysis.scored import make_split

SPLIT = make_split([2, 2, 2])


def test_a_judged_pair_that_does_not_suit_makes_labelled_queries_without_documents():
    relevance = relevance_from_pairs("x", "x.csv", [(100, 5000), (101, 5000)], [(100, 5000)])
    assert relevance.documents("t2i") == {5000: {100}}
    assert relevance.documents("i2t") == {100: {5000}, 101: set()}


def test_labels_are_restricted_to_the_images_and_captions_of_a_gallery():
    relevance = relevance_from_pairs(
        "x", "x.csv", own_pairs(SPLIT), [(100, 5000), (102, 5000), (101, 5004)]
    )
    restricted = relevance.restricted_to(SPLIT.first(2, 1))
    assert restricted.captions_of_image == {100: {5000}, 101: set()}
    assert restricted.images_of_caption == {5000: {100}, 5002: set()}


def test_the_own_pairs_are_added_to_labelled_queries_only():
    relevance = ExtendedRelevance("x", "x.json", {100: frozenset({5004})}, {5002: frozenset()})
    both = with_own_pairs(relevance, SPLIT)
    assert both.captions_of_image == {100: {5000, 5001, 5004}}
    assert both.images_of_caption == {5002: {101}}


def test_a_few_unknown_ids_are_left_out_and_counted():
    split = make_split([5] * 60)
    captions = {
        image: {c for i, c in own_pairs(split) if i == image} for image, _ in own_pairs(split)
    }
    captions[100] = captions[100] | {7}
    relevance = ExtendedRelevance("x", "x.json", captions, {})
    kept = belonging_to(relevance, split)
    assert kept.n_unknown == 1
    assert kept.captions_of_image[100] == set(range(5000, 5005))
