"""What a captioner reads of images, in order and in batches."""

import numpy as np
import pytest
import torch

from captioning.decoding.image_batches import input_batches, open_inputs
from captioning.models.loading import load_captioner
from preprocess.base.errors import InputError
from preprocess.storage.encodings_file import EncodingsFile
from tests.captioning.models.tiny import SIDE, save_blip, save_captioner
from tests.captioning.training.small_run import write_encodings
from tests.conftest import make_split, write_data_dir, write_images_of


@pytest.fixture
def encodings(tmp_path):
    return write_encodings(tmp_path / "test_embedding.h5", make_split(5))


def test_encodings_come_in_the_asked_order_however_they_are_batched(tmp_path, encodings):
    captioner = load_captioner(str(save_captioner(tmp_path / "lstm", image_width=8)))
    inputs = open_inputs(captioner, encodings, None)
    ids = [104, 100, 103]
    expected = np.stack([EncodingsFile(encodings).read(i) for i in ids])
    for batch_size in (1, 2, 5):
        batches = list(input_batches(captioner, inputs, ids, batch_size))
        assert len(batches[0]) == min(batch_size, 3)
        np.testing.assert_array_equal(torch.cat(batches).numpy(), expected)
    with pytest.raises(InputError, match="image 99 is not in the file"):
        input_batches(captioner, inputs, [99], 1)


def test_a_blip_reads_pixels_by_its_own_processor(tmp_path):
    data = write_data_dir(tmp_path / "data")
    write_images_of(data, "train")
    captioner = load_captioner(str(save_blip(tmp_path / "blip")))
    inputs = open_inputs(captioner, None, data / "train_images.h5")
    ids = inputs.image_ids[:3]
    batches = list(input_batches(captioner, inputs, ids, 2))
    assert [tuple(batch.shape) for batch in batches] == [(2, 3, SIDE, SIDE), (1, 3, SIDE, SIDE)]


def test_a_file_of_the_other_kind_is_refused(tmp_path, encodings):
    lstm = load_captioner(str(save_captioner(tmp_path / "lstm", image_width=8, encoder="tiny")))
    blip = load_captioner(str(save_blip(tmp_path / "blip")))
    for captioner, files, told in (
        (lstm, (None, encodings), "reads encodings by tiny; give --encodings"),
        (lstm, (None, None), "reads encodings by tiny; give --encodings"),
        (blip, (encodings, None), "reads pixels; give --images"),
        (blip, (None, None), "reads pixels; give --images"),
    ):
        with pytest.raises(InputError, match=told):
            open_inputs(captioner, *files)


def test_encodings_of_another_encoder_are_refused(tmp_path, encodings):
    narrow = load_captioner(str(save_captioner(tmp_path / "narrow", image_width=7)))
    with pytest.raises(InputError, match="the captioner reads 7 numbers an image, found 8"):
        open_inputs(narrow, encodings, None)
    other = {"encoder_kind": "embedding", "encoder_weights": "sha256:9"}
    captioner = load_captioner(str(save_captioner(tmp_path / "other", image_width=8, **other)))
    with pytest.raises(InputError, match="expected encodings by the weights sha256:9"):
        open_inputs(captioner, encodings, None)
