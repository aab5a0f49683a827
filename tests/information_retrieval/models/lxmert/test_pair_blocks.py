"""Every step of the factorised scorer against the plain forward, not only the logits.

Both ways call the same HF modules for all that adds to a hidden state: embeddings, the output of
each attention and of each feed-forward, pooler, head. So a hook on each of them sees every step
of both ways, by the module's name and the call's number. The plain way takes pairs one by one,
padded and masked; the scorer takes all of them at once.
"""

from functools import partial

import pytest
import torch
from transformers.models.lxmert.modeling_lxmert import (
    LxmertAttentionOutput,
    LxmertEmbeddings,
    LxmertOutput,
    LxmertPooler,
    LxmertVisualAnswerHead,
    LxmertVisualFeatureEncoder,
)

from information_retrieval.models.lxmert.encoded_gallery import (
    EncodedGallery,
    encode_captions,
    encode_images,
)
from information_retrieval.models.lxmert.pair_blocks import score_pairs
from information_retrieval.models.tokenization import pad_tokens
from tests.conftest import FEATURE_DIM, N_REGIONS, make_lxmert
from tests.information_retrieval.models.lxmert.test_encoded_gallery import TOLERANCE, swap

STEPS = (
    LxmertEmbeddings,
    LxmertVisualFeatureEncoder,
    LxmertAttentionOutput,
    LxmertOutput,
    LxmertPooler,
    LxmertVisualAnswerHead,
)
PADDING = 2  # tokens of the plain way beyond the caption
N_IMAGES, N_CAPTIONS = 2, 3
PAIRS = [(image, caption) for image in range(N_IMAGES) for caption in range(N_CAPTIONS)]
CONFIGS = [
    {},
    {"l_layers": 1, "r_layers": 1, "x_layers": 1},
    {"l_layers": 3, "r_layers": 2, "x_layers": 3, "num_attention_heads": 8},
    {"num_attention_heads": 1, "hidden_size": 24},
]


@torch.inference_mode()
def recorded(model, run) -> dict[tuple[str, int], torch.Tensor]:
    """Run, and return what each call of each step gave, (batch, ...), in the order of the calls."""
    states = {}

    def keep(name):
        calls = iter(range(100))
        return lambda module, read, given: states.update({(name, next(calls)): given})

    handles = [
        module.register_forward_hook(keep(name))
        for name, module in model.named_modules()
        if isinstance(module, STEPS)
    ]
    run()
    for handle in handles:
        handle.remove()
    return states


def plain_steps(model, token_ids, images) -> dict[tuple[str, int], torch.Tensor]:
    """Every step of a plain forward of each pair, (n_pairs, ...), image by image.

    Left out is what no score reads: the states of padding, and in the last cross layer the visual
    branch and, after the cross attention, all words but the first. The first cross attention is
    whole, also where it is the last.
    """
    length, last = len(token_ids[0]), f"lxmert.encoder.x_layers.{model.config.x_layers - 1}"
    by_pair = []
    for image, caption in PAIRS:
        tokens = pad_tokens([token_ids[caption], [0] * (length + PADDING)], pad_id=0)
        tokens = {name: value[:1] for name, value in tokens.items()}
        assert tokens["attention_mask"].sum() == length
        feats, pos = (part[image : image + 1] for part in images)
        forward = partial(model, **tokens, visual_feats=feats, visual_pos=pos)
        by_pair.append(recorded(model, forward))
    unread = {(f"{last}.{name}", 0) for name in ("visn_self_att.output", "visn_output")}
    if model.config.x_layers > 1:
        unread.add((f"{last}.visual_attention.output", 1))
    first_word = {(f"{last}.{name}", 0) for name in ("lang_self_att.output", "lang_output")}
    steps = {}
    for step in by_pair[0].keys() - unread:
        state = torch.cat([states[step] for states in by_pair])
        if state.dim() == 3 and state.shape[1] == length + PADDING:
            state = state[:, : 1 if step in first_word else length]
        steps[step] = state
    return steps


def our_steps(model, token_ids, images, by_block: bool) -> dict[tuple[str, int], torch.Tensor]:
    """Every step of the scorer; what it computes once an image or caption, repeated to pairs."""
    rows, columns = (torch.tensor(side) for side in zip(*PAIRS, strict=True))

    def run():
        vision, groups = encode_images(model, [images]), encode_captions(model, token_ids, 64)
        if by_block:
            gallery = EncodedGallery(model, vision, groups, torch.float32)
            gallery.score(slice(None), groups[0].columns)
        else:
            score_pairs(model, groups[0].hidden[columns], vision[rows])

    of_pair = {N_IMAGES: rows, N_CAPTIONS: columns, len(PAIRS): slice(None)}
    return {step: state[of_pair[len(state)]] for step, state in recorded(model, run).items()}


def wrong_steps(ours, plain) -> list[tuple[str, int]]:
    """The steps that differ, in the order of the calls."""
    assert ours.keys() == plain.keys()
    for step, state in ours.items():
        assert state.shape == plain[step].shape, step
        assert plain[step].std() > 0.05, step
    return [step for step, state in ours.items() if (state - plain[step]).abs().max() > TOLERANCE]


def random_case(length: int):
    """Token ids of captions of one length, and features and boxes of images."""
    generator = torch.Generator().manual_seed(length)
    token_ids = torch.randint(5, 30, (N_CAPTIONS, length), generator=generator).tolist()
    feats = torch.randn(N_IMAGES, N_REGIONS, FEATURE_DIM, generator=generator)
    return token_ids, (feats, torch.rand(N_IMAGES, N_REGIONS, 4, generator=generator))


@pytest.mark.parametrize("by_block", [True, False], ids=["block", "pairs"])
@pytest.mark.parametrize("length", [3, 12, 77])
@pytest.mark.parametrize("config", CONFIGS)
def test_every_step_is_that_of_the_plain_forward(config, length, by_block):
    model, (token_ids, images) = make_lxmert(**config), random_case(length)
    plain = plain_steps(model, token_ids, images)
    ours = our_steps(model, token_ids, images, by_block)
    assert wrong_steps(ours, plain) == []


@pytest.mark.parametrize("length", [3, 12, 77])
@pytest.mark.parametrize("config", CONFIGS)
def test_what_is_encoded_once_is_what_the_plain_last_layers_give(config, length):
    model, (token_ids, images) = make_lxmert(**config), random_case(length)
    plain = plain_steps(model, token_ids, images)
    vision, groups = encode_images(model, [images]), encode_captions(model, token_ids, 2)
    rows, columns = (torch.tensor(side) for side in zip(*PAIRS, strict=True))
    for name, layers, encoded in (
        ("layer", model.config.l_layers, groups[0].hidden[columns]),
        ("r_layers", model.config.r_layers, vision[rows]),
    ):
        expected = plain[f"lxmert.encoder.{name}.{layers - 1}.output", 0]
        torch.testing.assert_close(encoded, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("by_block", [True, False], ids=["block", "pairs"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_cross_layer_that_swaps_query_and_key_is_the_first_wrong_step(layer, by_block):
    model, (token_ids, images) = make_lxmert(x_layers=3), random_case(12)
    plain = plain_steps(model, token_ids, images)
    attention = model.lxmert.encoder.x_layers[layer].visual_attention.att
    swap(attention.query, attention.key)
    wrong = wrong_steps(our_steps(model, token_ids, images, by_block), plain)
    assert wrong[0] == (f"lxmert.encoder.x_layers.{layer}.visual_attention.output", 0)
    assert wrong[-1] == ("matching_head", 0)
