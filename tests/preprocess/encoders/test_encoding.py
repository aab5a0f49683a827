"""From an images file to encodings: batches, workers, damage."""

import json

import numpy as np
import pytest
import torch

from preprocess.base.errors import InputError
from preprocess.encoders.encoding import describe, unfinished_batches, write_encodings
from preprocess.encoders.image_encoder import load_image_encoder, pixels_of
from preprocess.storage.encodings_file import EncodingsFile, EncodingsWriter
from preprocess.storage.images_file import ImagesFile
from tests.preprocess.encoders.small_images import write_small_images
from tests.preprocess.encoders.tiny_beit import save_beit


@pytest.fixture
def encoder(tmp_path):
    return load_image_encoder(str(save_beit(tmp_path / "beit")))


def encode(path, encoder, images, batch_size=3, num_workers=0, finish=True) -> list[str]:
    attributes = describe(encoder, images)
    with EncodingsWriter(path, images.image_ids, encoder.width, "float32", attributes) as writer:
        failures = write_encodings(writer, encoder, images, batch_size, num_workers, "encoded")
        if finish:
            writer.finish()
    return failures


def test_batches_are_those_of_all_rows_whichever_are_missing():
    assert unfinished_batches(7, np.arange(7), 3) == [[0, 1, 2], [3, 4, 5], [6]]
    assert unfinished_batches(7, np.array([4, 6]), 3) == [[3, 4, 5], [6]]
    assert unfinished_batches(7, np.array([], np.int64), 3) == []


@pytest.mark.parametrize("num_workers", [0, 1])
def test_each_image_has_the_vector_that_the_encoder_gives_it_alone(tmp_path, encoder, num_workers):
    images = ImagesFile(write_small_images(tmp_path / "images.h5", 7))
    assert encode(tmp_path / "e.h5", encoder, images, num_workers=num_workers) == []
    encodings = EncodingsFile(tmp_path / "e.h5")
    assert encodings.image_ids.tolist() == images.image_ids.tolist()
    for image_id in images.image_ids:
        pixels = pixels_of(images.read(image_id), encoder.image_processor)
        alone = encoder.encode(pixels[None])[0]
        assert np.abs(encodings.read(image_id) - alone.numpy()).max() < 1e-5


def test_what_made_them_is_told(tmp_path, encoder):
    images = ImagesFile(write_small_images(tmp_path / "images.h5", 2))
    about = describe(encoder, images)
    settings = json.loads(about.pop("settings"))
    assert about == {
        "kind": "vector",
        "encoder": "beit",
        "weights_sha256": encoder.revision,
        "images_sha256": images.sha256(),
    }
    assert settings["side"] == 24
    assert settings["size"] == {"height": 24, "width": 24}
    assert settings["mean"] == [0.485, 0.456, 0.406]


def test_a_damaged_image_is_named_and_changes_nothing_of_the_others(tmp_path, encoder):
    whole = ImagesFile(write_small_images(tmp_path / "whole.h5", 7))
    images = ImagesFile(write_small_images(tmp_path / "images.h5", 7, damaged=(4,)))
    damaged_id = int(images.image_ids[4])
    encode(tmp_path / "whole_e.h5", encoder, whole)
    (line,) = encode(tmp_path / "e.h5", encoder, images, finish=False)
    assert f"image {damaged_id}: expected a whole image file" in line
    with pytest.raises(InputError, match="found 6 of 7 images"):
        EncodingsFile(tmp_path / "e.h5")
    expected = EncodingsFile(tmp_path / "whole_e.h5")
    attributes = describe(encoder, images)
    with EncodingsWriter(tmp_path / "e.h5", images.image_ids, 24, "float32", attributes) as writer:
        assert writer.missing_rows().tolist() == [4]
        writer.write(4, encodings=expected.read(damaged_id))
        writer.finish()
    found = EncodingsFile(tmp_path / "e.h5")
    np.testing.assert_array_equal(found.checksums, expected.checksums)


def test_a_memory_too_small_is_told_in_a_line(tmp_path, encoder, monkeypatch):
    def too_much(*_):
        raise torch.OutOfMemoryError("out of memory")

    images = ImagesFile(write_small_images(tmp_path / "images.h5", 2))
    monkeypatch.setattr(type(encoder), "encode", too_much)
    with pytest.raises(InputError, match="--batch_size: 2 images are too many"):
        encode(tmp_path / "e.h5", encoder, images)
