"""X-VLM's scores of all pairs, against the recorded evaluation and the plain forward."""

import numpy as np
import pytest
import torch

from information_retrieval.combining.shortlist import rank_shortlists, shortlists, union_of_pairs
from information_retrieval.models.checkpoint import load_image_processor
from information_retrieval.models.gallery_images import GalleryImages
from information_retrieval.models.tokenization import pad_tokens
from information_retrieval.models.xvlm import encoded_gallery
from information_retrieval.models.xvlm.encoded_gallery import encode_gallery
from information_retrieval.models.xvlm.model import MATCH
from information_retrieval.ranking.metrics import recall_at_k
from information_retrieval.scoring.all_pairs import score_all
from tests.information_retrieval.models.xvlm.recorded_gallery import recorded_gallery
from tests.information_retrieval.models.xvlm.tiny import SIDE, make_xvlm

TOLERANCE = 1e-5
WORDS = 40
LENGTHS = [3, 7, 5, 3, 1, 9, 5, 5, 12, 3]  # one is [CLS] alone
N_IMAGES = 5
IMAGES, CAPTIONS = np.arange(N_IMAGES), np.arange(len(LENGTHS))


@pytest.fixture(scope="module")
def recorded(reference, fine_tuned, tmp_path_factory):
    return recorded_gallery(reference, fine_tuned, tmp_path_factory.mktemp("recorded"))


def scores_of(loaded, n_images: int, n_captions: int) -> np.ndarray:
    scorer = loaded.encode(np.arange(n_images))
    return score_all(scorer, loaded.column_blocks, n_images, n_captions, show_progress=False)


def test_pixels_and_tokens_are_those_of_the_published_evaluation(reference, recorded):
    loaded = recorded.load()
    masks = reference.arrays["eval_text_atts"].astype(bool)
    expected = [
        i[m].tolist() for i, m in zip(reference.arrays["eval_text_ids"], masks, strict=True)
    ]
    assert loaded.tokens.token_ids == expected
    # The last has more than 40 tokens, the one before it more than 30 words.
    assert loaded.tokens.cut == (138, 139)
    processor = load_image_processor(str(recorded.checkpoint))
    images = GalleryImages(recorded.images, recorded.split.image_ids, processor)
    pixels = torch.stack([images[row] for row in range(8)]).numpy()
    patch = reference.arrays["eval_pixel_patch"]
    np.testing.assert_allclose(pixels[:, :, 40:48, 100:108], patch, atol=TOLERANCE)
    moments = np.stack([pixels.mean(axis=(1, 2, 3)), pixels.std(axis=(1, 2, 3), ddof=1)], axis=1)
    np.testing.assert_allclose(moments, reference.arrays["eval_pixel_mean_std"], atol=TOLERANCE)


@pytest.mark.parametrize("score", [None, "itm"])
def test_the_matching_scores_of_all_pairs_are_the_recorded_ones(reference, recorded, score):
    found = scores_of(recorded.load(score=score), 8, 40)
    expected = reference.arrays["eval_scores_all_pairs"]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_the_cosines_are_the_recorded_ones(reference, recorded):
    loaded = recorded.load(score="itc")
    np.testing.assert_allclose(
        scores_of(loaded, 8, 40), reference.arrays["eval_sims"], atol=TOLERANCE
    )
    assert loaded.identity["score"] == "itc"
    assert recorded.load().identity == {**loaded.identity, "score": "itm"}


def test_a_shortlist_of_its_own_cosines_gives_the_published_scores_and_recalls(reference, recorded):
    k, index = reference.shapes["k_test"], recorded.split.caption_image_index
    lists = shortlists(scores_of(recorded.load(score="itc"), 8, 40), index, k)
    pairs = union_of_pairs(lists)
    gallery = recorded.load().encode(np.arange(8))
    scores = gallery.score_listed(pairs.rows, pairs.columns)
    i2t, t2i = np.full((8, 40), -100.0), np.full((40, 8), -100.0)
    np.put_along_axis(i2t, lists.i2t, scores[pairs.i2t], axis=1)
    np.put_along_axis(t2i, lists.t2i, scores[pairs.t2i], axis=1)
    np.testing.assert_allclose(i2t, reference.arrays["eval_scores_i2t"], atol=TOLERANCE)
    np.testing.assert_allclose(t2i, reference.arrays["eval_scores_t2i"], atol=TOLERANCE)
    published = reference.shapes["eval_result"]
    for direction, name in (("i2t", "txt"), ("t2i", "img")):
        ranks = rank_shortlists(scores[pairs.of(direction)], lists.relevant(direction))
        for cutoff in (1, 5):  # beyond k the published order is that of equal scores
            found = recall_at_k(ranks.queries, cutoff)
            assert found == pytest.approx(published[f"{name}_r{cutoff}"])


@pytest.fixture(scope="module")
def model():
    return make_xvlm(WORDS)


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(N_IMAGES, 3, SIDE, SIDE)


@pytest.fixture(scope="module")
def token_ids() -> list[list[int]]:
    generator = np.random.default_rng(0)
    return [[2, *generator.integers(5, WORDS, length - 1).tolist()] for length in LENGTHS]


@torch.inference_mode()
def plain_scores(model, token_ids, pixels) -> np.ndarray:
    """The slow truth: the forward of each image with all captions, padded."""
    tokens = pad_tokens(token_ids, pad_id=0)
    scores = []
    for image in pixels:
        encoded = model(**tokens, pixel_values=image[None])
        images = encoded.image_tokens.expand(len(token_ids), -1, -1)
        fused = model.text_encoder.fuse(encoded.text_hidden, tokens["attention_mask"], images)
        scores.append(model.match(fused)[:, MATCH])
    return torch.stack(scores).numpy()


def ours(model, token_ids, pixels, images_at_once=2, **options) -> np.ndarray:
    gallery = encode_gallery(model, token_ids, pixels.split(images_at_once), **options)
    blocks = [group.columns for group in gallery.groups]
    return score_all(gallery, blocks, len(pixels), len(token_ids), show_progress=False)


@pytest.mark.parametrize(
    "changes", [{}, {"n_text_layers": 1}, {"n_text_layers": 3}, {"n_text_layers": 0}]
)
def test_the_scores_are_those_of_the_plain_forward(token_ids, pixels, changes):
    model = make_xvlm(WORDS, **changes)
    expected = plain_scores(model, token_ids, pixels)
    assert expected.std(axis=0).min() > 1e-3
    found = ours(model, token_ids, pixels)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_a_scorer_that_swaps_two_images_would_be_caught(model, token_ids, pixels):
    swapped = ours(model, token_ids, pixels[[0, 2, 1, 3, 4]])
    difference = np.abs(swapped - plain_scores(model, token_ids, pixels))
    assert difference[[1, 2]].max() > 100 * TOLERANCE
    assert difference[[0, 3, 4]].max() < TOLERANCE


@pytest.mark.parametrize("place", ["attention", "crossattention"])
@pytest.mark.parametrize("layer", [2, 3])
def test_a_scorer_that_swaps_query_and_value_would_be_caught(token_ids, pixels, place, layer):
    model = make_xvlm(WORDS)
    expected = plain_scores(model, token_ids, pixels)
    attention = getattr(model.text_encoder.layers[layer], place).self
    width = attention.query.weight.shape[1]  # an image's values have another than the words'
    query, value = attention.query.weight.data, attention.value.weight.data
    kept = query.clone()
    query.copy_(value[:, :width])
    value[:, :width] = kept
    assert np.abs(ours(model, token_ids, pixels) - expected).max() > 100 * TOLERANCE


def test_images_and_captions_in_another_order_have_the_same_scores(model, token_ids, pixels):
    generator = np.random.default_rng(3)
    rows, columns = generator.permutation(N_IMAGES), generator.permutation(len(LENGTHS))
    found = ours(model, [token_ids[column] for column in columns], pixels[rows])
    expected = ours(model, token_ids, pixels)[np.ix_(rows, columns)]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize(("most", "band"), [(1, 1), (3, 2), (7, 64), (1000, 3)])
def test_blocks_bands_and_batches_do_not_change_the_scores(
    model, token_ids, pixels, monkeypatch, most, band
):
    expected = ours(model, token_ids, pixels)
    monkeypatch.setitem(encoded_gallery.PAIRS, "cpu", most)
    monkeypatch.setattr(encoded_gallery, "BAND_IMAGES", band)
    found = ours(model, token_ids, pixels, images_at_once=most, batch_size=band)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_some_columns_of_a_group_and_some_rows_are_scored_alone(model, token_ids, pixels):
    expected = ours(model, token_ids, pixels)
    gallery = encode_gallery(model, token_ids, [pixels])
    for rows in (slice(1, 3), slice(None), slice(4, 5), slice(1, 3)):
        for columns in (np.array([2, 7]), np.array([9]), np.array([7, 2, 6])):
            found = gallery.score(rows, columns)
            np.testing.assert_allclose(found, expected[rows, columns], atol=TOLERANCE)


@pytest.mark.parametrize(("most", "band"), [(1, 2), (2, 64), (64, 64)])
def test_listed_pairs_in_any_order_have_the_scores_of_all_pairs(
    model, token_ids, pixels, monkeypatch, most, band
):
    expected = ours(model, token_ids, pixels)
    monkeypatch.setitem(encoded_gallery.PAIRS, "cpu", most)
    monkeypatch.setattr(encoded_gallery, "BAND_IMAGES", band)
    gallery = encode_gallery(model, token_ids, [pixels])
    listed = np.random.default_rng(4).permutation(expected.size)[:30]
    rows, columns = np.divmod(listed, len(LENGTHS))
    found = gallery.score_listed(rows, columns)
    np.testing.assert_allclose(found, expected[rows, columns], atol=TOLERANCE)


def test_bfloat16_does_not_tie_scores_and_keeps_images_in_half_the_memory(model, token_ids, pixels):
    exact = ours(model, token_ids, pixels)
    found = ours(model, token_ids, pixels, dtype=torch.bfloat16)
    on_grid = torch.from_numpy(found).bfloat16().float().numpy() == found
    assert on_grid.mean() < 0.1
    assert 0 < np.abs(found - exact).max() < 0.1 * np.abs(exact).max()
    gallery = encode_gallery(model, token_ids, [pixels], dtype=torch.bfloat16)
    assert {image.dtype for image in gallery.images} == {torch.bfloat16}
