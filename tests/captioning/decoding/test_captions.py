"""Images to captions, by captioners of all types."""

from dataclasses import FrozenInstanceError, replace
from functools import cache

import pytest
import torch

from captioning.decoding.captions import caption_images, check_decoding
from captioning.decoding.search import greedy_search
from captioning.decoding.settings import Decoding
from captioning.decoding.surprise import surprise
from captioning.models.loading import LoadedCaptioner, load_captioner
from preprocess.base.errors import InputError
from tests.captioning.models.tiny import (
    CAPTIONS,
    make_captioner,
    make_images,
    make_pixels,
    make_vocabulary,
    save_blip,
    save_captioner,
    save_prefix_captioner,
)

SAVERS = {
    "lstm": (save_captioner, make_images),
    "attention": (
        lambda folder: save_captioner(folder, decoder="attention"),
        lambda: make_images("attention"),
    ),
    "prefix": (save_prefix_captioner, make_images),
    "blip": (save_blip, make_pixels),
}


def caption(captioner, batches, method, **settings):
    generator = torch.Generator().manual_seed(0)
    decoding = Decoding(method, **{"max_tokens": 9, **settings})
    return list(caption_images(captioner, batches, decoding, generator))


@pytest.mark.parametrize("method", ["greedy", "beam", "nucleus"])
@pytest.mark.parametrize("kind", SAVERS)
def test_every_captioner_is_decoded_every_way_in_batches_of_any_size(tmp_path, kind, method):
    save, images_of = SAVERS[kind]
    captioner, images = load_captioner(str(save(tmp_path))), images_of()
    found = caption(captioner, [images], method)
    assert len(found) == len(images)
    one_by_one = caption(captioner, images.split(1), method)
    assert [c.token_ids for c in one_by_one] == [c.token_ids for c in found]
    for one in found:
        assert len(one.token_ids) + one.ended <= 9
        assert one.log_probability < 0
        assert one.text == captioner.vocabulary.decode(one.token_ids)
        assert not {*one.token_ids} & {captioner.vocabulary.end_id, *captioner.vocabulary.unsaid}


@pytest.mark.parametrize("method", ["greedy", "beam", "nucleus"])
def test_beginning_and_padding_are_never_said_and_unknown_words_where_they_may(tmp_path, method):
    captioner = load_captioner(str(save_captioner(tmp_path)))
    with torch.no_grad():
        captioner.model.output.bias[:2] += 100
        captioner.model.output.bias[3] += 20
    said = caption(captioner, [make_images()], method)
    assert {word for c in said for word in c.text.split()} == {"<unk>"}
    said = caption(captioner, [make_images()], method, say_unknown=False)
    assert not {0, 1, 3} & {i for c in said for i in c.token_ids}


def test_the_settings_reach_the_search(tmp_path):
    captioner = load_captioner(str(save_captioner(tmp_path, num_layers=2)))
    images, words = make_images(), captioner.vocabulary
    with torch.no_grad():
        expected = greedy_search(captioner.model, images, words.end_id, 5, words.unsaid)
    found = caption(captioner, [images], "beam", num_beams=1, max_tokens=5)
    assert [c.token_ids for c in found] == [said.token_ids for said in expected]


def test_captions_are_made_as_they_are_asked_for_and_stay_as_they_are(tmp_path):
    captioner = load_captioner(str(save_captioner(tmp_path)))

    def batches():
        yield make_images(n=1)
        raise AssertionError("not asked for yet")

    one = next(caption_images(captioner, batches(), Decoding("greedy")))
    with pytest.raises(FrozenInstanceError):
        one.text = ""


def test_encodings_of_another_encoder_are_refused(tmp_path):
    captioner = load_captioner(str(save_captioner(tmp_path)))
    with pytest.raises(InputError, match=r"found \(2, 9\)"):
        caption(captioner, [torch.zeros(2, 9)], "beam")


@cache
def trained(**config):
    """A captioner that was given three images with a caption each, over and over."""
    words, images = make_vocabulary(), make_images(config.get("decoder", "lstm"))
    model = make_captioner(len(words), seed=0, dropout=0.0, **{"hidden_size": 24, **config}).train()
    labels = words.labels(CAPTIONS[:3], 20)
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    for _ in range(120):
        optimizer.zero_grad()
        model(images, labels).loss.backward()
        optimizer.step()
    return LoadedCaptioner("trained", model.eval(), words, "encodings", model.config), images


SAID = ["a red cat on the big house", "two dogs near a tree and a small car"]
SAID += ["the blue car under the tree"]


@pytest.mark.parametrize("method", ["greedy", "beam"])
@pytest.mark.parametrize("decoder", ["lstm", "attention"])
def test_what_was_learnt_by_heart_is_said_and_ended(decoder, method):
    captioner, images = trained(decoder=decoder)
    found = caption(captioner, [images], method, max_tokens=20)
    assert [(c.text, c.ended) for c in found] == [(text, True) for text in SAID]
    own = surprise(captioner, images, CAPTIONS[:3])
    others = surprise(captioner, images.roll(1, 0), CAPTIONS[:3])
    for one, other in zip(own, others, strict=True):
        assert one.with_image > -0.2
        assert one.with_image > other.with_image + 0.5


def test_the_originals_attention_does_not_stop():
    captioner, images = trained(decoder="attention", omit_last_targets=True)
    found = caption(captioner, [images], "beam", max_tokens=20)
    assert [(len(c.token_ids), c.ended) for c in found] == [(20, False)] * 3
    assert all(
        c.text.startswith(said.rsplit(" ", 1)[0]) for c, said in zip(found, SAID, strict=True)
    )


@pytest.mark.parametrize(
    ("kind", "most"), [("lstm", None), ("attention", None), ("prefix", 62), ("blip", 61)]
)
def test_a_caption_may_be_as_long_as_there_are_positions_and_no_longer(tmp_path, kind, most):
    save, images_of = SAVERS[kind]
    captioner, images = load_captioner(str(save(tmp_path))), images_of()[:1]
    assert captioner.most_tokens == most
    if most is None:
        check_decoding(captioner, Decoding(max_tokens=1000))
        return
    never_ends = replace(captioner, vocabulary=replace(captioner.vocabulary, end_id=-1))
    check_decoding(captioner, Decoding(max_tokens=most))
    assert len(caption(never_ends, [images], "greedy", max_tokens=most)[0].token_ids) == most
    with pytest.raises((IndexError, RuntimeError)):
        caption(never_ends, [images], "greedy", max_tokens=most + 1)
    told = rf"--max_tokens {most + 1}: {tmp_path} has positions for {most} words"
    with pytest.raises(InputError, match=told):
        check_decoding(captioner, Decoding(max_tokens=most + 1))


def test_unknown_words_are_not_forbidden_to_a_captioner_that_has_none(tmp_path):
    captioner = load_captioner(str(save_prefix_captioner(tmp_path)))
    with pytest.raises(InputError, match=r"--say_unknown: .* knows every word"):
        check_decoding(captioner, Decoding(say_unknown=False))
