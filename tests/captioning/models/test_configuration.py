"""What an LSTM captioner may be made of."""

import pytest
from transformers import AutoConfig

from captioning.models.configuration import LstmCaptionerConfig


def test_a_configuration_is_read_back_by_its_type(tmp_path):
    config = LstmCaptionerConfig(decoder="attention", image_width=768, encoder="ViT-B/32")
    config.save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(loaded, LstmCaptionerConfig)
    assert (loaded.decoder, loaded.image_width, loaded.encoder) == ("attention", 768, "ViT-B/32")


def test_the_decoder_reads_the_encoding_itself_or_as_wide_as_a_word():
    assert LstmCaptionerConfig(projection="none").read_width == 512
    assert LstmCaptionerConfig(image_width=2048).read_width == 512
    tokens = {"decoder": "attention", "image_width": 768}
    assert LstmCaptionerConfig(**tokens, projection="none").read_width == 768
    assert LstmCaptionerConfig(**tokens).read_width == 512


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"decoder": "attention", "num_layers": 2}, "one layer"),
        ({"decoder": "attention", "learn_start": True}, "no image step"),
        ({"image_width": 2048, "projection": "none"}, "image_width is 2048"),
    ],
)
def test_what_cannot_be_built_is_refused(values, said):
    with pytest.raises(ValueError, match=said):
        LstmCaptionerConfig(**values)
