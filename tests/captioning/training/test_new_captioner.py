"""What a new captioner is made of: our defaults, the paper's, and what is asked for beside."""

import pytest
import torch

from captioning.models.paper import PAPER
from captioning.training.captioner_options import CaptionerOptions
from captioning.training.new_captioner import architecture_of, clamp_of, first_captioner
from preprocess.storage.encodings_file import EncodingsFile
from tests.captioning.training.small_run import write_encodings
from tests.conftest import make_split

CAPTIONS = ["a dog runs", "a cat and a dog"]


@pytest.fixture
def vectors(tmp_path):
    return EncodingsFile(write_encodings(tmp_path / "vectors.h5", make_split(3)))


@pytest.fixture
def tokens(tmp_path):
    return EncodingsFile(write_encodings(tmp_path / "tokens.h5", make_split(3), tokens=True))


def make(encodings, seed: int = 0, **options):
    torch.manual_seed(seed)
    return first_captioner(CaptionerOptions(min_count=1, **options), encodings, CAPTIONS, seed)


def test_by_default_vectors_have_two_layers_and_tokens_attention(vectors, tokens):
    config = make(vectors).config
    assert (config.decoder, config.num_layers, config.projection) == ("lstm", 2, "norm")
    assert (config.dropout, config.learn_start, config.image_width) == (0.5, False, 8)
    config = make(tokens).config
    assert (config.decoder, config.num_layers, config.projection) == ("attention", 1, "norm")
    assert not config.omit_last_targets


def test_a_new_captioner_knows_its_words_and_its_encoder(vectors):
    captioner = make(vectors)
    assert len(captioner.vocabulary) == captioner.config.vocab_size == 4 + 5
    assert captioner.config.vocabulary_sha256 == captioner.vocabulary.sha256
    assert captioner.config.encoder_weights == vectors.revision


def test_the_paper_has_its_own_settings_but_where_others_are_given(tokens, vectors):
    paper = architecture_of(make(tokens, paper="clip_attention").config)
    expected = PAPER["clip_attention"]
    names = ("omit_last_targets", "dropout", "penalty_over", "attention_penalty")
    assert {name: paper[name] for name in names} == {name: expected[name] for name in names}
    layers = make(vectors, paper="clip_lstm", num_layers=4, word_width=8).config
    assert (layers.num_layers, layers.learn_start, layers.projection) == (4, True, "none")


def test_gradients_are_clamped_as_the_papers_attention_or_as_asked():
    assert clamp_of(CaptionerOptions()) is None
    assert clamp_of(CaptionerOptions(paper="clip_attention")) == 5
    assert clamp_of(CaptionerOptions(paper="clip_attention", clamp_gradients=1.0)) == 1
    assert clamp_of(CaptionerOptions(paper="clip_lstm")) is None


def test_the_seed_draws_the_weights(vectors):
    one, same, other = (make(vectors, seed).model.output.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
