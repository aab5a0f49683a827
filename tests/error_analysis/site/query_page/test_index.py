import json

import numpy as np

from error_analysis.judging.judgements import gallery_sha256
from error_analysis.queries.margins import score_margins
from error_analysis.site.query_page.index import MOST_TAGS, PAPER_TAGS, index_of, offered_tags
from error_analysis.site.query_page.labels import QueryLabel
from tests.error_analysis.scored import make_model, make_split, scores_with_ranks

SPLIT = make_split([1] * 30, " caption <b> {} ")
A = make_model(scores_with_ranks([0, 12.5] + [0] * 28), SPLIT, "a")
B = make_model(scores_with_ranks([3] * 30), SPLIT, "A")


def label(name: str, n: int) -> QueryLabel:
    return QueryLabel("reason", name, np.arange(n), 0)


def test_the_index_has_ranks_and_margins_of_images_and_then_captions():
    index = index_of([A, B], [], 10, False)
    assert [len(ranks) for ranks in index["ranks"]] == [60, 60]
    assert index["ranks"][0][:3] == [0, 12.5, 0]
    assert index["ranks"][1][30:] == B.query_ranks("t2i").ranks().tolist()
    assert index["margins"][0][30:] == score_margins(A, "t2i").tolist()
    assert [model["slug"] for model in index["models"]] == ["a", "a-2"]
    assert index["captions"]["texts"][0] == "caption <b> 5000"
    assert index["gallery_sha256"] == gallery_sha256(SPLIT)


def test_an_image_alone_in_its_gallery_is_written_as_json_has_it():
    lonely = make_model(np.ones((1, 2), np.float32), make_split([2]))
    text = json.dumps(index_of([lonely], [], 10, False), allow_nan=False)
    assert json.loads(text)["margins"] == [[3.403e38, 3.403e38, 3.403e38]]


def test_labels_that_no_query_has_are_left_out():
    index = index_of([A], [label("typo", 2), label("never", 0)], 10, False)
    assert [one["name"] for one in index["labels"]] == ["typo"]


def test_the_most_frequent_reasons_are_offered_as_tags_and_then_those_of_the_paper():
    labels = [label("typo", 2), label("long", 5), label("typo", 4)]
    assert offered_tags(labels)[:3] == ["typo", "long", "long modifier"]
    assert len(set(offered_tags(labels))) == MOST_TAGS
    assert len(offered_tags([label(f"r{i}", i) for i in range(20)])) == MOST_TAGS
    assert offered_tags([QueryLabel("object", "cat", np.arange(3))]) == list(PAPER_TAGS)
