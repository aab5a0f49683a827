"""A captioner evaluated beside a constant caption and another captioner."""

import numpy as np
import pytest

from captioning.metrics.scores import prepare_references, score_captions
from captioning.results.evaluation import EvaluationOptions, evaluate_captions
from captioning.results.matched import Matched
from captioning.results.systems import JavaPrograms
from tests.captioning.conftest import split_of
from tests.captioning.recorded import CAPTIONS, OF_SET, REFERENCES

FILES = ["a.json", "b.json"]
OPTIONS = EvaluationOptions(programs=JavaPrograms("no-such-java"), n_resamples=20)


def matched(*systems: list[str]) -> Matched:
    return Matched(
        list(split_of(REFERENCES).images), REFERENCES, list(systems), FILES[: len(systems)], ["odd"]
    )


def test_scores_stand_beside_a_constant_caption():
    found = evaluate_captions(matched(CAPTIONS), OPTIONS)
    assert found.metrics["CIDEr"].value == pytest.approx(OF_SET["CIDEr"], abs=1e-12)
    constant = score_captions([found.constant] * 4, prepare_references(REFERENCES))
    assert found.constant_metrics == constant.values()
    assert found.compared is None
    assert found.without_long is None
    assert found.warnings()[0] == "odd"


def test_an_endless_caption_is_named_and_the_others_scored_without_it():
    captions = [*CAPTIONS[:3], "a bus stop " * 6_000]
    found = evaluate_captions(matched(captions), OPTIONS)
    assert found.counts.long == {"13": 18_000}
    assert found.metrics["Bleu_1"].value < 0.01
    assert found.without_long is not None
    assert found.without_long["Bleu_1"] > 0.7
    assert "1 of 4 captions have more than 80 words, the longest 18,000" in found.warnings()[1]
    assert "without_long_captions" in found.to_json()


def test_two_captioners_are_compared_in_pairs():
    other = ["a kite", "a goat", "the shelf", ""]
    found = evaluate_captions(matched(CAPTIONS, other), OPTIONS)
    assert found.compared is not None
    second = score_captions(other, prepare_references(REFERENCES)).values()
    own = found.compared.metrics
    assert {name: one.value for name, one in own.items()} == second
    assert all(one.low <= one.value <= one.high for one in own.values())
    assert own["Bleu_1"].low < own["Bleu_1"].high
    for name, one in found.compared.differences.items():
        assert one.value == pytest.approx(found.metrics[name].value - second[name])
    assert found.compared.counts.empty == 1
    content = found.to_json()
    assert set(content["compared"]) == {"file", "metrics", "differences", "counts"}
    assert [image["caption"] for image in content["images"]] == CAPTIONS
    assert "+" in found.table()
    assert "compared with b.json\n" in found.table()


def test_an_endless_caption_of_either_captioner_is_told_and_left_out_of_both():
    other = [*CAPTIONS[:1], "a goat " * 9_000, *CAPTIONS[2:]]
    found = evaluate_captions(matched(CAPTIONS, other), OPTIONS)
    assert found.counts.long == {}
    told = "b.json: 1 of 4 captions have more than 80 words, the longest 18,000"
    assert any(line.startswith(told) for line in found.warnings())
    assert found.compared is not None
    of_three = score_captions(CAPTIONS, prepare_references(REFERENCES)).chosen([0, 2, 3]).values()
    assert found.without_long == found.compared.without_long == of_three
    assert found.metrics["Bleu_1"].value != found.without_long["Bleu_1"]
    content = found.to_json()
    assert content["compared"]["without_long_captions"] == content["without_long_captions"]
    assert found.table().count("without long") == 2


def test_metrics_of_a_model_join_the_others():
    asked = []

    def more_scores(systems):
        asked.append(len(systems))
        return [{"CLIPScore": np.full(4, float(number))} for number in range(len(systems))]

    found = evaluate_captions(matched(CAPTIONS, CAPTIONS), OPTIONS, more_scores)
    assert asked == [3]  # the captioner, the constant caption, the other one
    assert found.metrics["CLIPScore"].value == 0
    assert found.constant_metrics["CLIPScore"] == 1
    assert found.compared is not None
    assert found.compared.metrics["CLIPScore"].value == 2
