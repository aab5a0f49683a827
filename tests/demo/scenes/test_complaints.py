"""Captions without visual content, in the place of a few test captions."""

from pathlib import Path

from demo.render import RenderArguments, make_records
from demo.scenes.complaints import with_complaints

SETTINGS = RenderArguments(Path("unused"), n_train=40, n_restval=0, n_val=0, n_test=100)


def test_one_test_caption_in_a_hundred_is_a_complaint_and_no_training_caption() -> None:
    kinds = {"train": [], "test": []}
    for record in make_records(SETTINGS):
        kinds[record.split] += [caption.kind for caption in record.captions]
    assert kinds["test"].count("no_visual_content") == 5
    assert "no_visual_content" not in kinds["train"]


def test_nothing_else_changes() -> None:
    records = make_records(SETTINGS)
    for record in records:
        complaints = [c for c in record.captions if c.kind == "no_visual_content"]
        assert len(complaints) <= 1
        assert len(record.captions) == 5
    without = [record for record in records if record.split == "train"]
    assert with_complaints(without, SETTINGS.seed) == without


def test_a_complaint_says_what_it_was_meant_to() -> None:
    found = [c for r in make_records(SETTINGS) for c in r.captions if c.kind == "no_visual_content"]
    assert all(caption.text == caption.intended for caption in found)
    assert len({caption.text for caption in found}) == len(found)
