"""The file of reasons: what is counted in it is what its queries have."""

from collections.abc import Callable

import pytest

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    Explanations,
    ModelExplanation,
    explanations_to_json,
    read_explanations,
)
from error_analysis.reasons.images.region_presence import VERDICTS
from preprocess.base.errors import InputError
from preprocess.base.files import read_json, write_json

IMAGES = (
    ExplainedQuery(1, None, 30.0, (), confusions=(("cat", "dog"), ("cow", "truck"))),
    ExplainedQuery(2, None, 20.5, ()),
    ExplainedQuery(3, None, 12.0, (), confusions=(("cat", "dog"),)),
)
CAPTIONS = (
    ExplainedQuery(1, 11, 30.0, (), "region absent: no region of cat; seen: dog: a breed"),
    ExplainedQuery(2, 21, 20.0, (), "matched badly: seen: dog"),
)
REGIONS = {"region absent": 1, "matched badly": 1, "nothing to look for": 0}


@pytest.fixture
def whole() -> Explanations:
    confusions = (("cat", "dog", 2), ("cow", "truck", 1))
    images = DirectionExplanation(9, 5, IMAGES, (), confusions=confusions)
    captions = DirectionExplanation(9, 5, CAPTIONS, (), regions=REGIONS)
    return Explanations((ModelExplanation("a", "0", {"i2t": images, "t2i": captions}),), {})


@pytest.fixture
def written(tmp_path, whole):
    write_json(tmp_path / "reasons.json", explanations_to_json(whole))
    return tmp_path / "reasons.json"


def test_each_image_query_has_its_confusions_and_no_caption_query_has_any(written, whole):
    assert read_explanations(written) == whole
    [model] = read_json(written, "")["models"]
    told = [query["confusions"] for query in model["i2t"]["hard"]]
    assert told == [[["cat", "dog"], ["cow", "truck"]], [], [["cat", "dog"]]]
    assert not any("confusions" in query for query in model["t2i"]["hard"])


def test_the_verdict_is_told_apart_from_its_evidence():
    assert [query.regions_verdict for query in CAPTIONS] == ["region absent", "matched badly"]
    assert IMAGES[0].regions_verdict is None
    assert not any(": " in verdict for verdict in VERDICTS)


def without_confusions_of_queries(model: dict) -> None:
    for query in model["i2t"]["hard"]:
        del query["confusions"]


def another_confusion(model: dict) -> None:
    model["i2t"]["hard"][1]["confusions"] = [["cat", "kite"]]


def another_verdict(model: dict) -> None:
    model["t2i"]["hard"][0]["regions"] = "matched badly: seen: cat"


def a_confusion_of_one_name(model: dict) -> None:
    model["i2t"]["hard"][1]["confusions"] = [["cat"]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_confusions_of_queries, "its confusions are not .* of which an older file tells"),
        (another_confusion, "its confusions are not those of its queries"),
        (another_verdict, "its verdicts of regions are not those of its queries"),
        (a_confusion_of_one_name, "ValueError"),
    ],
)
def test_counts_that_are_not_those_of_the_queries_are_one_line(
    written, change: Callable[[dict], None], told
):
    content = read_json(written, "")
    change(content["models"][0])
    write_json(written, content)
    with pytest.raises(InputError, match=f"reasons.json: not a file of reasons .*{told}.*make it"):
        read_explanations(written)


def test_an_older_file_without_confusions_is_read(written):
    content = read_json(written, "")
    without_confusions_of_queries(content["models"][0])
    content["models"][0]["i2t"]["confusions"] = None
    write_json(written, content)
    [model] = read_explanations(written).models
    assert model.directions["i2t"].confusions is None
