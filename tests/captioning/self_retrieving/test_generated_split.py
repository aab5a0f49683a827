"""A captioner's captions as a split."""

from pathlib import Path

import pytest

from captioning.results.results_file import read_results
from captioning.self_retrieving.generated_split import generated_split, keep_split
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from tests.captioning.conftest import results_of, split_of
from tests.captioning.recorded import CAPTIONS, REFERENCES

SPLIT = split_of(REFERENCES)


@pytest.fixture
def made(write_results):
    return generated_split(SPLIT, read_results(write_results(results_of(CAPTIONS)), SPLIT))


def test_each_image_has_its_generated_caption_under_its_own_id(made):
    assert made.generated.image_ids.tolist() == SPLIT.image_ids.tolist()
    assert made.generated.caption_ids.tolist() == SPLIT.image_ids.tolist()
    assert made.generated.captions == tuple(CAPTIONS)
    assert [image.file_name for image in made.generated.images] == [
        image.file_name for image in SPLIT.images
    ]
    assert made.human == SPLIT
    assert made.told() == []


def test_it_passes_for_no_benchmark_and_says_whose_captions_it_has(made):
    assert made.generated.dataset == "tiny, captions by machine"
    assert made.generated.source.endswith("results.json")


def test_an_empty_caption_is_asked_as_a_full_stop_and_named(write_results):
    path = write_results(results_of([*CAPTIONS[:2], "", " \n"]))
    made = generated_split(SPLIT, read_results(path, SPLIT))
    assert made.generated.captions[2:] == (".", ".")
    [line] = made.told()
    assert f"{path}: 2 captions are empty" in line
    assert line.endswith("images 12, 13")


def test_images_without_a_caption_are_left_out_of_both(write_results):
    path = write_results(results_of(CAPTIONS[1:3], first_id=11))
    made = generated_split(SPLIT, read_results(path, SPLIT, partial=True))
    assert made.generated.image_ids.tolist() == made.human.image_ids.tolist() == [11, 12]
    assert made.human.captions == tuple(REFERENCES[1] + REFERENCES[2])


def test_a_split_file_is_kept_where_its_captions_are_the_same_only(made, tmp_path: Path):
    path = tmp_path / "generated" / "test.json"
    path.parent.mkdir()
    keep_split(path, made.generated, ["--output"])
    assert read_split(path) == made.generated
    written = path.stat()
    keep_split(path, made.generated, ["--output"])
    assert path.stat() == written
    with pytest.raises(InputError, match=r"holds other captions .* or choose another --output"):
        keep_split(path, made.generated.first(3), ["--output"])
    assert read_split(path) == made.generated
