"""Which images show text, kept beside a split file."""

import pytest

from preprocess.base.errors import InputError
from preprocess.captions.text_detected import (
    read_text_detected,
    text_detected_file,
    write_text_detected,
)
from tests.conftest import make_split


def test_what_is_told_of_a_splits_images_comes_back_and_of_others_nothing(tmp_path):
    split = make_split(3, first_id=10)
    path = text_detected_file(tmp_path / "val.json")
    assert path == tmp_path / "val_text_detected.json"
    write_text_detected(path, split, {10: True, 12: False, 13: True})
    assert read_text_detected(path) == {10: True, 12: False}


@pytest.mark.parametrize("content", ["[]", "{}", '{"text_detected": {"1": "yes"}}'])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(InputError, match=r"t\.json: expected true or false by image id"):
        read_text_detected(tmp_path / "t.json")


def test_an_id_that_is_none_is_refused(tmp_path):
    (tmp_path / "t.json").write_text('{"text_detected": {"cat": true}}')
    with pytest.raises(InputError, match=r"t\.json: image id: expected an integer"):
        read_text_detected(tmp_path / "t.json")
