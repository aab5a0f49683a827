"""Encodings files that a captioner can read, and those of another encoder."""

import numpy as np
import pytest

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.encodings import check_encodings, config_of
from captioning.models.prefix_captioner import PrefixCaptionerConfig
from preprocess.base.errors import InputError
from preprocess.storage.encodings_file import EncodingsFile, EncodingsWriter


def write(path, shape=(8,), kind="embedding", weights="sha256:one") -> EncodingsFile:
    about = {"kind": kind, "encoder": "ViT", "weights_sha256": weights}
    about |= {"images_sha256": "", "settings": "{}"}
    with EncodingsWriter(path, np.array([1, 2]), shape, "float32", about) as writer:
        for row in range(2):
            writer.write(row, encodings=np.full(shape, row, np.float32))
        writer.finish()
    return EncodingsFile(path)


@pytest.mark.parametrize("config", [LstmCaptionerConfig, PrefixCaptionerConfig])
def test_a_captioner_made_for_a_file_reads_it(tmp_path, config):
    encodings = write(tmp_path / "one.h5")
    made = config(**config_of(encodings))
    assert (made.image_width, made.encoder, made.encoder_kind) == (8, "ViT", "embedding")
    check_encodings(encodings, made)


def test_encodings_by_other_weights_or_of_another_kind_are_refused(tmp_path):
    config = LstmCaptionerConfig(**config_of(write(tmp_path / "one.h5")))
    with pytest.raises(InputError, match="expected encodings by the weights sha256:one"):
        check_encodings(write(tmp_path / "two.h5", weights="sha256:two"), config)
    with pytest.raises(InputError, match="expected encodings of the kind embedding"):
        check_encodings(write(tmp_path / "three.h5", kind="vector"), config)


def test_encodings_of_another_shape_are_refused(tmp_path):
    one, tokens = write(tmp_path / "one.h5"), write(tmp_path / "two.h5", (5, 8), "tokens")
    config = LstmCaptionerConfig(**config_of(one))
    with pytest.raises(InputError, match=r"reads 8 numbers an image, found 5 x 8 by ViT; .*\(emb"):
        check_encodings(tokens, config)
    attention = LstmCaptionerConfig(decoder="attention", **config_of(tokens))
    check_encodings(tokens, attention)
    with pytest.raises(InputError, match="reads tokens x 8 numbers an image, found 8 by ViT"):
        check_encodings(one, attention)


def test_without_a_record_of_its_encoder_only_the_shape_is_looked_at(tmp_path):
    check_encodings(write(tmp_path / "one.h5"), LstmCaptionerConfig(image_width=8))
