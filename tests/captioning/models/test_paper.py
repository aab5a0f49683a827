"""The paper's settings."""

import pytest
import torch

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.lstm_captioner import LstmCaptioner
from captioning.models.paper import PAPER

# Of the published code at its 6,294 words, where its LSTM has two layers.
PARAMETERS = {"cnn_lstm": 11.7e6, "clip_lstm": 10.7e6, "clip_attention": 12.0e6}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_model_has_the_papers_number_of_parameters(name):
    with torch.device("meta"):
        model = LstmCaptioner(LstmCaptionerConfig(vocab_size=6294, **PAPER[name]))
    assert model.num_parameters() == pytest.approx(PARAMETERS[name], abs=0.05e6)


def test_the_decoder_is_given_what_the_paper_gives_it():
    configs = {name: LstmCaptionerConfig(**values) for name, values in PAPER.items()}
    assert [c.image_width for c in configs.values()] == [2048, 512, 768]
    assert [c.projection for c in configs.values()] == ["linear", "none", "none"]
    assert [c.learn_start for c in configs.values()] == [True, True, False]
    assert configs["clip_attention"].omit_last_targets
