"""How probable captioners find given captions."""

import pytest
import torch

from captioning.decoding.captions import caption_images
from captioning.decoding.settings import Decoding
from captioning.decoding.surprise import surprise
from captioning.models.loading import load_captioner
from tests.captioning.decoding.test_captions import SAVERS
from tests.captioning.models.tiny import CAPTIONS, make_images, save_captioner


@pytest.mark.parametrize("kind", SAVERS)
def test_what_a_captioner_says_is_as_probable_as_it_found_it(tmp_path, kind):
    save, images_of = SAVERS[kind]
    captioner, images = load_captioner(str(save(tmp_path))), images_of()
    said = list(caption_images(captioner, [images], Decoding("greedy", max_tokens=6)))
    ids = captioner.vocabulary.encode([one.text for one in said])
    # What is said in pieces may be cut into others when it is read.
    same = [row for row, one in enumerate(said) if [*one.token_ids] == ids[row]]
    assert len(same) == len(said) or kind not in ("lstm", "attention")
    assert same
    for row in same:
        one, n = said[row], len(said[row].token_ids) + said[row].ended
        judged = surprise(captioner, images[row : row + 1], [one.text], max_tokens=n)[0]
        assert judged.n_tokens == n
        assert judged.is_cut != one.ended
        assert judged.with_image * n == pytest.approx(one.log_probability, abs=1e-4)


@pytest.mark.parametrize("kind", SAVERS)
def test_a_blank_image_gains_nothing_and_captions_are_judged_each_for_itself(tmp_path, kind):
    save, images_of = SAVERS[kind]
    captioner, images = load_captioner(str(save(tmp_path))), images_of()
    captions = ["a red cat", "two dogs near a tree", "car"]
    together = surprise(captioner, images, captions)
    for row, caption in enumerate(captions):
        alone = surprise(captioner, images[row : row + 1], [caption])[0]
        assert together[row].with_image == pytest.approx(alone.with_image, abs=1e-5)
        assert together[row].gain == pytest.approx(alone.gain, abs=1e-5)
        assert abs(alone.gain) > 1e-5
        own = surprise(captioner, images[row : row + 1], [caption], blank=images[row])[0]
        assert own.gain == 0
    zeros = surprise(captioner, torch.zeros_like(images), captions)
    assert [s.gain for s in zeros] == pytest.approx([0] * 3, abs=1e-6)


def test_the_mean_is_that_of_the_words_and_the_end(tmp_path):
    captioner, images = load_captioner(str(save_captioner(tmp_path))), make_images(n=1)
    labels = captioner.vocabulary.labels([CAPTIONS[3]], 20)
    with torch.no_grad():
        scores = captioner.model.target_logits(images, labels).log_softmax(-1)
    expected = scores.gather(2, labels[:, :, None]).mean().item()
    found = surprise(captioner, images, [CAPTIONS[3]])[0]
    assert found.with_image == pytest.approx(expected, abs=1e-5)
    assert (found.n_tokens, found.n_unknown, found.is_cut) == (5, 0, False)


def test_unknown_words_and_captions_that_are_too_long_are_told(tmp_path):
    captioner = load_captioner(str(save_captioner(tmp_path)))
    captions = ["a zebra in a house", "cat " * 18_000, ""]
    found = surprise(captioner, make_images(), captions, max_tokens=10)
    assert [(s.n_tokens, s.n_unknown, s.is_cut) for s in found] == [
        (6, 2, False),
        (10, 0, True),
        (1, 0, False),
    ]
    assert surprise(captioner, make_images()[:0], []) == []


@pytest.mark.parametrize(("kind", "most"), [("prefix", 62), ("blip", 61)])
def test_a_caption_longer_than_the_positions_is_cut(tmp_path, kind, most):
    save, images_of = SAVERS[kind]
    captioner, images = load_captioner(str(save(tmp_path))), images_of()
    long, short = surprise(captioner, images[:2], ["cat " * 200, "a cat"])
    assert (long.n_tokens, long.is_cut) == (most, True)
    assert not short.is_cut
    alone = surprise(captioner, images[1:2], ["a cat"])[0]
    assert short.with_image == pytest.approx(alone.with_image, abs=1e-5)
