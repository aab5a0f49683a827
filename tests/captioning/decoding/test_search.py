"""Captions said word by word: recorded ones, those of HF's generate, and how words are drawn."""

import numpy as np
import pytest
import torch

from captioning.decoding.search import Said, greedy_search, log_probabilities, nucleus_search
from tests.captioning.models.reference import END, MAX_TOKENS, MODELS, START, UNKNOWN
from tests.captioning.models.tiny import make_captioner, make_images, make_prefix_captioner

pytestmark = pytest.mark.usefixtures("no_gradients")


def as_recorded(said: Said) -> list[int]:
    ids = [*said.token_ids, *[END] * said.ended]
    return ids + [-1] * (MAX_TOKENS - len(ids))


@pytest.mark.parametrize("name", MODELS)
def test_the_recorded_captions_and_scores_are_met(recorded, name):
    model, images = recorded.model(name), recorded.images(name)
    found = greedy_search(model, images, END, MAX_TOKENS)
    np.testing.assert_array_equal([as_recorded(said) for said in found], recorded[f"{name}_greedy"])
    sums = [said.log_probability for said in found]
    np.testing.assert_allclose(sums, recorded[f"{name}_greedy_score"], atol=1e-5)
    suppressed = greedy_search(model, images, END, MAX_TOKENS, (START, UNKNOWN))
    expected = recorded[f"{name}_greedy_suppressed"]
    np.testing.assert_array_equal([as_recorded(said) for said in suppressed], expected)
    assert [said.ended for said in suppressed] == (expected == END).any(1).tolist()


def test_captions_are_what_they_were():
    model = make_captioner(decoder="attention", projection="none")
    found = greedy_search(model, make_images("attention"), 2, 8, (0, 1))
    words = [(7, *[10] * 7), (6,) * 8, (3,) * 8]
    assert [said.token_ids for said in found] == words
    sums = [said.log_probability for said in found]
    assert sums == pytest.approx([-9.320282, -6.444999, -5.500458], abs=1e-4)
    assert not any(said.ended for said in found)


def test_a_gpt2_says_what_hfs_generate_says():
    model, images = make_prefix_captioner(), make_images()
    expected = model.decoder.generate(
        inputs_embeds=model.project(images),
        attention_mask=torch.ones(3, 3),
        max_new_tokens=10,
        do_sample=False,
        pad_token_id=0,
    )
    found = greedy_search(model, images, 0, 10)
    for said, row in zip(found, expected.tolist(), strict=True):
        ids = row[: row.index(0)] if 0 in row else row
        assert [*said.token_ids] == ids


def test_nothing_is_said_after_the_limit():
    model, images = make_captioner(decoder="attention", projection="none"), make_images("attention")
    for limit in (1, 2, 5):
        found = greedy_search(model, images, 2, limit, (0, 1, 2))
        assert [(said.length, said.ended) for said in found] == [(limit, False)] * 3


def test_what_is_never_said_keeps_the_others_probabilities():
    logits = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    scores = log_probabilities(logits, (0, 3))
    assert torch.isinf(scores[:, [0, 3]]).all()
    kept = [1, 2, 4]
    torch.testing.assert_close(scores[:, kept], logits.log_softmax(-1)[:, kept])


class Dice:
    """A captioner that finds the same words probable whatever it read, and ends at once."""

    def __init__(self, probabilities: list[float]):
        self.logits = torch.tensor(probabilities).log()

    def begin(self, images):
        return self.logits.expand(len(images), -1), self

    def advance(self, words, state):
        return self.logits.expand(len(words), -1), self


def drawn(top_p: float, n: int = 4000, unsaid=()) -> np.ndarray:
    """How often each word comes first."""
    dice = Dice([0.1, 0.4, 0.2, 0.25, 0.05])
    generator = torch.Generator().manual_seed(0)
    found = nucleus_search(dice, torch.zeros(n, 1), 9, 1, top_p, generator, unsaid)
    return np.bincount([said.token_ids[0] for said in found], minlength=5) / n


def test_words_are_drawn_by_their_probability_from_the_fewest_that_have_top_p_together():
    np.testing.assert_allclose(drawn(1.0), [0.1, 0.4, 0.2, 0.25, 0.05], atol=0.03)
    np.testing.assert_allclose(drawn(0.6), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], atol=0.03)
    np.testing.assert_allclose(drawn(0.7), [0, 0.4 / 0.85, 0.2 / 0.85, 0.25 / 0.85, 0], atol=0.03)
    np.testing.assert_array_equal(drawn(0.3), [0, 1, 0, 0, 0])
    np.testing.assert_allclose(
        drawn(0.6, unsaid=(1,)), [0, 0, 0.2 / 0.45, 0.25 / 0.45, 0], atol=0.03
    )


def test_a_drawn_caption_depends_on_the_seed_and_not_on_the_batch():
    model = make_captioner()
    images = make_images(n=40)

    def say(batches, seed):
        generator = torch.Generator().manual_seed(seed)
        return [s for b in batches for s in nucleus_search(model, b, 2, 8, 0.9, generator)]

    whole = say([images], 0)
    assert [s.token_ids for s in say(images.split(7), 0)] == [s.token_ids for s in whole]
    assert [s.token_ids for s in say([images], 1)] != [s.token_ids for s in whole]
    assert len({s.token_ids for s in whole}) > 10


def test_the_log_probability_of_a_drawn_caption_is_the_models_own():
    model, images = make_captioner(), make_images()
    found = nucleus_search(model, images, 2, 6, 0.9, torch.Generator().manual_seed(0))
    for row, said in enumerate(found):
        labels = torch.tensor([[*said.token_ids, *[2] * said.ended]])
        scores = model.target_logits(images[row : row + 1], labels).log_softmax(-1)
        expected = scores.gather(2, labels[:, :, None]).sum().item()
        assert said.log_probability == pytest.approx(expected, abs=1e-4)
