"""Oscar's files: keys twice, files that are no pickle or no text."""

import pickle

import numpy as np
import pytest
import torch

from preprocess.base.errors import InputError
from preprocess.captions.legacy import read_caption_pt, read_key_tsv


def test_an_image_that_is_there_as_int_and_as_str_is_refused(tmp_path):
    torch.save({1: ["a"], "1": ["b"]}, tmp_path / "c.pt")
    with pytest.raises(InputError, match="expected image 1 once"):
        read_caption_pt(tmp_path / "c.pt")


@pytest.mark.parametrize("key", [1.5, "1.5", "x", True, None, "9" * 5000])
def test_a_key_that_is_no_image_id_is_refused(tmp_path, key):
    torch.save({key: ["a"]}, tmp_path / "c.pt")
    with pytest.raises(InputError, match="key of an image: expected an integer"):
        read_caption_pt(tmp_path / "c.pt")


def test_bytes_that_are_no_pickle_are_refused(tmp_path):
    path = tmp_path / "c.pt"
    torch.save({1: ["a cat"] * 50}, path)
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    contents = [b"", b"hello", b"a cat", *(whole[:n] for n in range(1, len(whole), 97))]
    contents += [generator.bytes(60) for _ in range(200)]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"c\.pt: expected") as error:
            read_caption_pt(path)
        assert "\n" not in str(error.value)
        assert "weights_only" not in str(error.value)


def test_a_pickle_that_would_run_code_is_refused_without_advice_to_run_it(tmp_path):
    (tmp_path / "c.pt").write_bytes(pickle.dumps(print))
    line = r"other file \(not a file of tensors that torch\.save wrote\)$"
    with pytest.raises(InputError, match=line):
        read_caption_pt(tmp_path / "c.pt")


def test_keys_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "k.tsv").write_bytes(b"1\n\xff\xfe\n")
    for path in (tmp_path / "k.tsv", tmp_path):
        with pytest.raises(InputError, match="expected image ids, one a line"):
            read_key_tsv(path)
    (tmp_path / "k.tsv").write_text("1\n\n2.5\n")
    with pytest.raises(
        InputError, match=r"line 3: image id: expected an integer of 64 bits, found '2\.5'"
    ):
        read_key_tsv(tmp_path / "k.tsv")
