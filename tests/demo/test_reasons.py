"""Tests of demo/reasons.py: the planted causes of the miniature COCO are recovered."""

import json
from pathlib import Path

import numpy as np
import pytest

from demo import reasons
from demo.reasons import score_rules, score_table
from demo.scenes.annotations import Record, kinds_json
from demo.scenes.captions import caption_scene
from demo.scenes.complaints import with_complaints
from demo.scenes.scenes import random_scene
from error_analysis.reasons.reason import Reason
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from tests.conftest import assert_one_clear_line


def write_scenes(folder: Path, name: str, n_images: int, seed: int) -> dict:
    """Write a split of captioned scenes, not painted; return the kinds of its captions."""
    generator = np.random.default_rng(seed)
    records = []
    for image_id in range(seed * 1000, seed * 1000 + n_images):
        scene = random_scene(generator)
        captions = tuple(caption_scene(scene, generator))
        ids = tuple(10 * image_id + i for i in range(len(captions)))
        records.append(Record(image_id, name, scene, captions, ids))
    records = with_complaints(records, seed)
    images = [
        CaptionedImage(
            record.image_id,
            record.file_name,
            tuple(
                Caption(caption_id, caption.text)
                for caption_id, caption in zip(record.caption_ids, record.captions, strict=True)
            ),
        )
        for record in records
    ]
    kinds = kinds_json(records)
    write_split(folder / f"{name}.json", Split("demo", name, "made by a test", tuple(images)))
    return kinds


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, "train", 440, seed=1)
    (folder / "kinds.json").write_text(json.dumps(write_scenes(folder, "test", 240, seed=2)))
    return folder


def command_of(folder: Path, **changes: Path) -> list[object]:
    options = {
        "split_file": folder / "test.json",
        "train_split_file": folder / "train.json",
        "kinds": folder / "kinds.json",
        **changes,
    }
    return [part for name, path in options.items() for part in (f"--{name}", path)]


def test_each_planted_reason_is_recovered(scenes, run_main, capsys) -> None:
    assert run_main(reasons.main, *command_of(scenes)) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    named = {row[0].strip("| "): [float(cell) for cell in row[3:5]] for row in rows}
    assert set(named) == {"typo", "long modifier", "underspecified", "no visual content"}
    for rule, (precision, recall) in named.items():
        assert precision >= 0.8, rule
        assert recall >= 0.8, rule


def test_scores_count_by_hand() -> None:
    typo = Reason("typo", "dg, for dog", "a dog")
    found = [(typo,), (typo,), (Reason("long modifier", "that ..."),), ()]
    scores = score_rules(
        found, ["typo", "typo", "plain", "typo"], ["a dog", "a fog", "a cup", "a cat"]
    )
    first, second = scores[:2]
    assert (first.precision, first.recall, first.repaired) == (1.0, 2 / 3, 1)
    assert (second.found, second.both, second.precision) == (1, 0, 0.0)
    assert "| typo | 3 | 2 | 1.00 | 0.67 | 1 of 2 |" in score_table(scores)
    assert "| no visual content | 0 | 0 | none | none |" in score_table(scores)


def test_kinds_of_other_captions_are_one_clear_line(scenes, run_main) -> None:
    status = run_main(reasons.main, *command_of(scenes, split_file=scenes / "train.json"))
    assert_one_clear_line(status, "kinds.json", "no kind of caption", "rendered with this split")
