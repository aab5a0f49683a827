"""Beams: recorded ones, all captions that there are, HF's generate, and captions without an end."""

import itertools

import numpy as np
import pytest
import torch

from captioning.decoding.beam_search import beam_search
from captioning.decoding.search import Said, greedy_search
from captioning.models.blip_captioner import BlipCaptioner
from tests.captioning.decoding.test_search import as_recorded
from tests.captioning.models.reference import END, MAX_TOKENS, MODELS
from tests.captioning.models.tiny import (
    make_blip,
    make_captioner,
    make_images,
    make_pixels,
    make_prefix_captioner,
)

pytestmark = pytest.mark.usefixtures("no_gradients")


def score(said: Said, length_penalty: float) -> float:
    return said.log_probability / said.length**length_penalty


@pytest.mark.parametrize("length_penalty", [0, 1])
@pytest.mark.parametrize("name", MODELS)
def test_the_three_best_recorded_captions_of_an_image_are_met(recorded, name, length_penalty):
    model, images = recorded.model(name), recorded.images(name)
    found = beam_search(model, images, END, MAX_TOKENS, 3, length_penalty)
    key = f"{name}_generate_beam3_lp{length_penalty}"
    ids = [[as_recorded(said) for said in of_image] for of_image in found]
    np.testing.assert_array_equal(ids, recorded[key])
    scores = [[score(said, length_penalty) for said in of_image] for of_image in found]
    np.testing.assert_allclose(scores, recorded[f"{key}_score_f32"], atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_wide_beam_finds_the_recorded_best_of_all_captions(recorded, name):
    found = beam_search(recorded.model(name), recorded.images(name), END, 4, 1000, 0)
    ids = [[as_recorded(said)[:4] for said in of_image[:5]] for of_image in found]
    np.testing.assert_array_equal(ids, recorded[f"{name}_exhaustive4"])
    sums = [[said.log_probability for said in of_image[:5]] for of_image in found]
    np.testing.assert_allclose(sums, recorded[f"{name}_exhaustive4_score"], atol=1e-5)


def test_captions_are_what_they_were():
    model = make_captioner(decoder="attention", projection="none")
    found = beam_search(model, make_images("attention"), 2, 8, 3, 1.0, (0, 1))
    best = [of_image[0] for of_image in found]
    assert [said.token_ids for said in best] == [(6, *[3] * 6), (6,) * 8, ()]
    sums = [said.log_probability for said in best]
    assert sums == pytest.approx([-6.682150, -6.444999, -2.671070], abs=1e-4)
    assert [said.ended for said in best] == [True, False, True]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
def test_a_wide_beam_finds_the_best_of_all_captions_that_there_are(length_penalty):
    """Each of 1 + 4 + 16 captions of at most two words, judged by itself."""
    model, images = make_captioner(vocab_size=5, seed=1, num_layers=2), make_images()
    found = beam_search(model, images, 2, 3, 200, length_penalty)
    for row in range(len(images)):
        judged = {}
        for n in range(3):
            for words in itertools.product([0, 1, 3, 4], repeat=n):
                labels = torch.tensor([[*words, 2]])
                scores = model.target_logits(images[row : row + 1], labels).log_softmax(-1)
                total = scores.gather(2, labels[:, :, None]).sum().item()
                judged[words] = total / (n + 1) ** length_penalty
        ordered = sorted(judged, key=judged.__getitem__, reverse=True)
        assert [said.token_ids for said in found[row]] == ordered
        ours = [score(said, length_penalty) for said in found[row]]
        assert ours == pytest.approx([judged[words] for words in ordered], abs=1e-5)


def ended(rows: list[list[int]], end: int) -> list[list[int] | None]:
    """HF's sequences up to their end; None where one has none."""
    return [row[: row.index(end)] if end in row else None for row in rows]


def check_at_the_limit(of_image: list[Said], rows: list[list[int]], end: int) -> None:
    """Check an image of which HF's best sequence has no end: HF ranks what did not end, too.

    Args:
        rows: HF's sequences of it, the best first.
    """
    by_end = [row for row in ended(rows, end) if row is not None]
    if by_end:
        assert ([*of_image[0].token_ids], of_image[0].ended) == (by_end[0], True)
    elif not of_image[0].ended:
        assert [[*said.token_ids] for said in of_image] == [rows[0]]
    else:  # an end that HF has pushed out for better beginnings
        assert [*of_image[0].token_ids] not in rows


@pytest.mark.parametrize(("num_beams", "limit"), [(2, 12), (4, 12), (3, 4), (4, 8)])
def test_a_gpt2_says_what_hfs_generate_says(num_beams, limit):
    model, images = make_prefix_captioner(), make_images(n=16)
    model.decoder.lm_head.weight = torch.nn.Parameter(model.decoder.lm_head.weight.clone())
    model.decoder.lm_head.weight[0] *= 3  # some captions end
    expected = model.decoder.generate(
        inputs_embeds=model.project(images),
        attention_mask=torch.ones(16, 3),
        max_new_tokens=limit,
        num_beams=num_beams,
        num_return_sequences=num_beams,
        do_sample=False,
        early_stopping=False,
        pad_token_id=0,
        return_dict_in_generate=True,
        output_scores=True,
    )
    found = beam_search(model, images, 0, limit, num_beams)
    rows = expected.sequences.view(16, num_beams, -1).tolist()
    values = expected.sequences_scores.view(16, num_beams)[:, 0].tolist()
    best = ended([own[0] for own in rows], 0)
    assert sum(row is not None for row in best) >= 3
    for of_image, row, own, value in zip(found, best, rows, values, strict=True):
        if row is None:
            check_at_the_limit(of_image, own, 0)
        else:
            assert [*of_image[0].token_ids] == row
            assert score(of_image[0], 1) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("num_beams", [1, 3])
def test_a_blip_says_what_hfs_generate_says(num_beams):
    blip, pixels, prompt = make_blip(30), make_pixels(6), [5, 6]
    blip.text_decoder.cls.predictions.bias[3] += 3  # some captions end
    begun = torch.tensor([[29, *prompt, 3]]).repeat(6, 1)
    expected = blip.generate(
        pixels,
        begun,
        max_new_tokens=10,
        num_beams=num_beams,
        num_return_sequences=num_beams,
        do_sample=False,
        early_stopping=False,
    )
    rows = expected[:, 3:].view(6, num_beams, -1).tolist()
    best = ended([own[0] for own in rows], 3)
    assert sum(row is not None for row in best) >= 3
    found = beam_search(BlipCaptioner(blip, prompt), pixels, 3, 10, num_beams)
    for of_image, row, own in zip(found, best, rows, strict=True):
        if row is None:
            check_at_the_limit(of_image, own, 3)
        else:
            assert [*of_image[0].token_ids] == row


@pytest.mark.parametrize("num_layers", [1, 2])
def test_one_beam_is_greedy(num_layers):
    model, images = make_captioner(num_layers=num_layers), make_images(n=10)
    found = beam_search(model, images, 2, 8, 1)
    greedy = greedy_search(model, images, 2, 8)
    assert [of_image[0].token_ids for of_image in found] == [said.token_ids for said in greedy]


def test_a_captioner_that_never_ends_gives_its_best_caption_cut():
    model, images = make_captioner(num_layers=2), make_images()
    for of_image in beam_search(model, images, 2, 6, 3, unsaid=(2,)):
        assert [(said.length, said.ended) for said in of_image] == [(6, False)]


@pytest.mark.parametrize("name", ["lstm", "attention"])
def test_an_images_captions_do_not_depend_on_the_others_of_its_batch(name):
    model, images = make_captioner(decoder=name), make_images(name, n=7)
    together = beam_search(model, images, 2, 8, 3)
    for row in range(len(images)):
        alone = beam_search(model, images[row : row + 1], 2, 8, 3)[0]
        assert [said.token_ids for said in alone] == [said.token_ids for said in together[row]]
