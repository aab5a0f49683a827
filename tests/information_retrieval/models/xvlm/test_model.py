"""X-VLM's numbers against those that the published code gave for the same weights."""

import numpy as np
import pytest
import torch

from information_retrieval.models.checkpoint import load_model
from information_retrieval.models.xvlm.model import MATCH
from information_retrieval.models.xvlm.vision import region_embeds
from preprocess.base.errors import InputError
from tests.information_retrieval.models.xvlm.reference import assert_equal

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def encoded(reference, pretrained):
    with torch.inference_mode():
        return pretrained(
            reference["text_ids"], reference["text_atts"], reference.pixels("A", 4, 128)
        )


@pytest.fixture(scope="module")
def regions(reference, encoded):
    masks = reference["region_atts"]
    return region_embeds(encoded.image_tokens[:3], reference["region_group"], masks)


def fuse_all(model, text_hidden, text_mask, image_tokens, image_masks=None):
    """Fuse each image with each text: (n_images, n_texts, length, hidden_size)."""
    n_images, n_texts = len(image_tokens), len(text_hidden)
    images = image_tokens.repeat_interleave(n_texts, dim=0)
    masks = None if image_masks is None else image_masks.repeat_interleave(n_texts, dim=0)
    hidden, mask = text_hidden.repeat(n_images, 1, 1), text_mask.repeat(n_images, 1)
    fused = model.text_encoder.fuse(hidden, mask, images, masks)
    return fused.unflatten(0, (n_images, n_texts))


def test_the_pixels_are_the_recorded_ones(reference):
    assert_equal(reference.pixels("A", 4, 128)[:, :, 60:64, 60:64], reference["pixels_A_patch"], 0)


def test_swins_stages_are_the_official_ones(reference, pretrained):
    encoder = pretrained.vision_encoder
    with torch.inference_mode():
        hidden, size = encoder.embeddings(reference.pixels("A", 4, 128))
        assert_equal(hidden[0, :8], reference["swin_patch_embed_0"])
        for index, stage in enumerate(encoder.encoder.layers):
            hidden = stage(hidden, size)[0]
            size = (size[0] // 2, size[1] // 2)
            expected = reference[f"swin_stage{index}_0"]
            assert_equal(hidden[0, : len(expected)], expected)


@pytest.mark.parametrize(
    ("name", "recorded"),
    [
        ("image_tokens", "image_embeds"),
        ("text_hidden", "text_embeds"),
        ("image_embeds", "image_feat"),
        ("text_embeds", "text_feat"),
    ],
)
def test_what_the_encoders_give_is_the_official_codes(reference, encoded, name, recorded):
    assert_equal(encoded[name], reference[recorded])


@torch.inference_mode()
def test_every_pairs_fused_cls_and_matching_logits_are_the_official_ones(
    reference, pretrained, encoded
):
    mask = reference["text_atts"]
    fused = fuse_all(pretrained, encoded.text_hidden, mask, encoded.image_tokens)
    assert_equal(fused[:, :, 0], reference["fused_cls"])
    assert_equal(pretrained.match(fused.flatten(0, 1)).view(4, 4, 2), reference["itm_logits"])
    real = mask[1].bool()  # nothing reads what stands at padding
    assert_equal(fused[1, 1][real], reference["fused_sequence_1_1"][real])


@torch.inference_mode()
def test_regions_begin_with_the_mean_of_their_own_tokens(reference, pretrained, encoded, regions):
    assert_equal(regions, reference["region_embeds"])
    assert_equal(pretrained.image_features(regions), reference["region_image_feat"])
    full = encoded.image_tokens[reference["region_group"], 0]
    assert_equal(full, reference["region_full_cls"])


def test_a_region_whose_mask_is_forgotten_is_far_off(reference, regions):
    wrong = reference["wrong_region_cls_unmasked"]
    is_region = reference["region_is_image"] == 0
    difference = (regions[:, 0] - wrong).abs().amax(dim=-1)[is_region]
    assert difference.min() > 1000 * 1e-5


@torch.inference_mode()
def test_matching_logits_of_every_region_and_text_are_the_official_ones(
    reference, pretrained, regions
):
    mask = reference["region_text_atts"]
    hidden = pretrained.text_encoder.encode(reference["region_text_ids"], mask)
    assert_equal(pretrained.text_features(hidden), reference["region_text_feat"])
    fused = fuse_all(pretrained, hidden, mask, regions, reference["region_atts"])
    expected = reference["region_itm_logits"]
    assert_equal(pretrained.match(fused.flatten(0, 1)).view(expected.shape), expected)


@torch.inference_mode()
def test_boxes_are_read_from_the_whole_image(reference, pretrained, encoded):
    mask = reference["region_text_atts"]
    hidden = pretrained.text_encoder.encode(reference["region_text_ids"], mask)
    images = encoded.image_tokens[reference["region_group"]]
    fused = pretrained.text_encoder.fuse(hidden, mask, images)
    assert_equal(pretrained.boxes(fused), reference["bbox_cxcywh"])


@torch.inference_mode()
def test_masked_words_are_predicted_as_by_the_official_code(reference, pretrained, encoded):
    logits = pretrained.masked_words(
        reference["text_ids_masked"],
        reference["text_atts"],
        encoded.image_tokens,
        None,
        reference["masked_pos"],
    )
    assert_equal(logits, reference["mlm_logits"], tolerance=5e-5)  # values up to 12


@torch.inference_mode()
def test_the_fine_tuned_model_reads_larger_images(reference, fine_tuned):
    tokens = fine_tuned.vision_encoder(reference.pixels("B", 4, 192))
    assert_equal(tokens, reference["ft_image_embeds"])
    assert_equal(fine_tuned.image_features(tokens), reference["ft_image_feat"])


@torch.inference_mode()
def test_padding_changes_no_text(reference, pretrained, encoded):
    for row in range(4):
        length = int(reference["text_atts"][row].sum())
        ids = reference["text_ids"][row : row + 1, :length]
        alone = pretrained.text_encoder.encode(ids, torch.ones_like(ids))
        assert_equal(alone[0], encoded.text_hidden[row, :length])


def test_a_saved_model_is_the_same_model(reference, pretrained, encoded, tmp_path):
    pretrained.save_pretrained(tmp_path)
    loaded = load_model(str(tmp_path))
    assert loaded.mlm_head.predictions.decoder.weight is loaded.get_input_embeddings().weight
    with torch.inference_mode():
        again = loaded(reference["text_ids"], reference["text_atts"], reference.pixels("A", 4, 128))
    for name, values in encoded.items():
        assert_equal(again[name], values, 0)


def test_images_of_another_size_are_refused_and_harm_nothing(reference, pretrained, encoded):
    for side in (64, 100, 192):
        with pytest.raises(InputError, match=f"128 x 128 pixels, found {side} x {side}"):
            pretrained.vision_encoder(torch.zeros(1, 3, side, side))
    with torch.inference_mode():
        again = pretrained.vision_encoder(reference.pixels("A", 4, 128))
    assert_equal(again, encoded.image_tokens, 0)


def test_a_match_is_the_second_logit(reference, pretrained):
    assert MATCH == 1
    assert np.isclose(pretrained.temperature.item(), 0.07)
