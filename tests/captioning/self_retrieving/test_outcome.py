"""The table of self-retrieval."""

from captioning.self_retrieving.image_recalls import image_recalls, of_one_sentence
from captioning.self_retrieving.outcome import Outcome
from captioning.self_retrieving.repetition import Repetition
from tests.captioning.self_retrieving.test_image_recalls import random_rankings


def outcome(copied: int | None) -> Outcome:
    said = {"generated": Repetition(30, 6, copied), "human": Repetition(70, 70, copied)}
    recalls = [image_recalls(random_rankings(pull=p), seed=0, n_resamples=20) for p in (0.5, 3)]
    return Outcome(30, *recalls, said)


def test_human_captions_and_a_constant_one_stand_beside_the_generated():
    content = outcome(3).to_json()
    generated, human = (content["metrics"][name]["r5"] for name in ("generated", "human"))
    assert generated["low"] <= generated["value"] <= generated["high"] < human["value"]
    assert content["metrics"]["constant"] == of_one_sentence(30)
    difference = content["difference"]["r5"]
    assert difference["value"] == generated["value"] - human["value"]
    assert difference["high"] < 0
    assert content["captions"]["generated"]["copied_share"] == 0.1


def test_the_table_has_a_line_for_each():
    lines = outcome(3).table().splitlines()
    assert lines[0].startswith("30 images; recalls in percent")
    assert [line[:20].strip() for line in lines[2:6]] == [
        "generated captions",
        "human captions",
        "a constant caption",
        "generated - human",
    ]
    assert lines[2].endswith("20.0 %  10.0 %")
    assert "3.3" in lines[4]
    assert outcome(None).table().endswith("a training caption, not counted")
