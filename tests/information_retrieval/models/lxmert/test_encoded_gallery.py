"""The factorised scorer against one plain forward per pair.

The models' biases and norms are perturbed: with freshly initialised weights, a scorer that swaps
query and key is off by 1e-5 to 2e-4 only. The negative controls show that errors are caught.
"""

import numpy as np
import pytest
import torch

from information_retrieval.models.lxmert import encoded_gallery as cross_encoder
from information_retrieval.models.lxmert.encoded_gallery import encode_gallery
from information_retrieval.models.lxmert.pair_blocks import first_projections, score_pairs
from information_retrieval.models.tokenization import pad_tokens, tokenize_captions
from information_retrieval.scoring.all_pairs import score_all
from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import N_REGIONS, bert_tokenizer, make_lxmert, make_split, write_features

TOLERANCE = 1e-5


@pytest.fixture
def case(tmp_path):
    """Five images, their captions of 5 to 11 tokens, and features."""
    split = make_split(5, "test")
    write_features(tmp_path / "f.h5", split)
    token_ids = tokenize_captions(split, bert_tokenizer(tmp_path), max_length=80).token_ids
    assert len({len(ids) for ids in token_ids}) > 3
    return token_ids, FeaturesFile(tmp_path / "f.h5"), split.image_ids


@torch.inference_mode()
def plain_scores(model, token_ids, features, image_ids) -> np.ndarray:
    """The slow truth: the model's forward on each image with all captions, padded and masked."""
    rows = []
    for image_id in image_ids:
        regions = features.read(image_id)
        repeated = {
            name: torch.from_numpy(regions[name]).expand(len(token_ids), -1, -1)
            for name in ("visual_feats", "visual_pos")
        }
        rows.append(model(**pad_tokens(token_ids, pad_id=0), **repeated).logits)
    return torch.stack(rows).numpy()


def ours(model, case, **options) -> np.ndarray:
    gallery = encode_gallery(model, *case, **options)
    sizes = gallery.n_images, gallery.n_captions
    return score_all(gallery, gallery.column_blocks, *sizes, show_progress=False)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"l_layers": 1, "r_layers": 1, "x_layers": 1},
        {"l_layers": 3, "r_layers": 2, "x_layers": 3, "num_attention_heads": 8},
        {"num_attention_heads": 1, "hidden_size": 24},
        {"matching_score": "cosine"},
        {"matching_score": "cosine", "x_layers": 1},
    ],
)
def test_the_scores_are_those_of_the_plain_forward(case, config):
    model = make_lxmert(**config)
    expected = plain_scores(model, *case)
    assert expected.std() > 0.05
    np.testing.assert_allclose(ours(model, case), expected, atol=TOLERANCE)


@pytest.mark.parametrize("length", [3, 20, 77])
def test_captions_of_any_length_are_scored_exactly(case, length):
    _, features, image_ids = case
    ids = torch.randint(5, 30, (3, length), generator=torch.Generator().manual_seed(0)).tolist()
    token_ids = [*ids, [2, 7, 3]]
    model = make_lxmert()
    found = ours(model, (token_ids, features, image_ids))
    expected = plain_scores(model, token_ids, features, image_ids)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize(("block_images", "pairs"), [(8, 512), (1, 1), (2, 5), (3, 64)])
def test_the_block_sizes_do_not_change_the_scores(
    case, monkeypatch, batch_size, block_images, pairs
):
    model = make_lxmert()
    expected = ours(model, case)
    monkeypatch.setattr(cross_encoder, "BLOCK_IMAGES", block_images)
    monkeypatch.setattr(cross_encoder, "CPU_PAIRS", pairs)
    found = ours(model, case, batch_size=batch_size)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_any_images_and_captions_of_one_length_can_be_scored(case):
    model = make_lxmert()
    gallery = encode_gallery(model, *case)
    expected = plain_scores(model, *case)
    columns = max(gallery.column_blocks, key=len)[1::2]
    assert len(columns) > 1
    found = gallery.score(slice(1, 4), columns)
    np.testing.assert_allclose(found, expected[1:4, columns], atol=TOLERANCE)


@pytest.mark.parametrize("x_layers", [1, 3])
def test_pairs_are_scored_as_in_a_block(case, x_layers):
    model = make_lxmert(x_layers=x_layers)
    gallery = encode_gallery(model, *case)
    group = max(gallery.groups, key=lambda group: len(group.columns))
    language = group.hidden[:2]
    with torch.inference_mode():
        logits = score_pairs(model, language, gallery.vision[[3, 1]]).numpy()
    expected = [gallery.score(slice(i, i + 1), group.columns[[c]]) for i, c in ((3, 0), (1, 1))]
    np.testing.assert_allclose(logits, np.ravel(expected), atol=TOLERANCE)


def swap(first: torch.nn.Linear, second: torch.nn.Linear) -> None:
    first.weight.data, second.weight.data = second.weight.data, first.weight.data


@pytest.mark.parametrize("place", ["language", "vision", "cross", "last self-attention"])
def test_a_scorer_that_swaps_query_and_key_would_be_caught(case, place):
    model = make_lxmert()
    expected = plain_scores(model, *case)
    encoder = model.lxmert.encoder
    attention = {
        "language": encoder.layer[0].attention.self,
        "vision": encoder.r_layers[0].attention.self,
        "cross": encoder.x_layers[0].visual_attention.att,
        "last self-attention": encoder.x_layers[-1].lang_self_att.self,
    }[place]
    swap(attention.query, attention.key)
    assert np.abs(ours(model, case) - expected).max() > 100 * TOLERANCE


@pytest.mark.parametrize("modality", ["language", "vision"])
def test_a_scorer_with_stale_projections_would_be_caught(case, monkeypatch, modality):
    model = make_lxmert()
    expected = plain_scores(model, *case)
    first = {}

    def stale(model, hidden):
        is_language = hidden.shape[1] != N_REGIONS
        if is_language != (modality == "language"):
            return first_projections(model, hidden)
        kept = first.setdefault(hidden.shape, first_projections(model, hidden))
        return kept[torch.zeros(len(hidden), dtype=torch.int64)]  # of the first item for all

    monkeypatch.setattr(cross_encoder, "first_projections", stale)
    assert np.abs(ours(model, case) - expected).max() > 100 * TOLERANCE


def test_a_scorer_without_the_mask_would_be_caught(case):
    token_ids, features, image_ids = case
    model = make_lxmert()
    length = max(len(ids) for ids in token_ids)
    padded = [ids + [0] * (length - len(ids)) for ids in token_ids]
    unmasked = ours(model, (padded, features, image_ids))
    assert np.abs(unmasked - plain_scores(model, *case)).max() > 100 * TOLERANCE


def test_bfloat16_does_not_tie_scores(case):
    scores = ours(make_lxmert(), case, dtype=torch.bfloat16)
    on_grid = torch.from_numpy(scores).bfloat16().float().numpy() == scores
    assert on_grid.mean() < 0.1


def test_bfloat16_moves_scores_by_a_few_percent_and_few_ranks(case):
    model = make_lxmert()
    exact, rounded = ours(model, case), ours(model, case, dtype=torch.bfloat16)
    error = np.abs(rounded - exact).max()
    assert 0 < error < 0.05 * np.abs(exact).max()
    ranks, exact_ranks = (np.argsort(np.argsort(-scores, axis=1)) for scores in (rounded, exact))
    assert (ranks != exact_ranks).mean() < 0.3


def test_an_image_without_features_is_named(case):
    token_ids, features, _ = case
    with pytest.raises(InputError, match="image 7 is not in the file"):
        encode_gallery(make_lxmert(), token_ids, features, np.array([100, 7]))
