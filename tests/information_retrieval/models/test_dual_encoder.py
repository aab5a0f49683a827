"""Scores from encoding each image and caption once, against the HF models' own forward."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AlignConfig,
    AltCLIPConfig,
    AutoModel,
    BertConfig,
    ChineseCLIPConfig,
    CLIPConfig,
    CLIPProcessor,
    FlavaConfig,
    GroupViTConfig,
    MetaClip2Config,
    Siglip2Config,
    SiglipConfig,
    VisionTextDualEncoderConfig,
    ViTConfig,
)

from information_retrieval.models.checkpoint import load_image_processor, load_model, load_tokenizer
from information_retrieval.models.dual_encoder import (
    EncodedGallery,
    encode_captions,
    encode_gallery,
    encode_images,
    scale_and_bias,
)
from information_retrieval.models.tokenization import (
    READ_PADDING,
    caption_positions,
    pad_tokens,
    tokenize_captions,
)
from preprocess.base.errors import InputError
from preprocess.storage.images_file import ImagesFile, write_images_file
from tests.conftest import make_split, save_clip, write_image_files
from tests.image_readers import LAYERS, VISION, perturb, text_config

TEXT = text_config(60, max_position_embeddings=20)
TOWERS = {"text_config": TEXT, "vision_config": VISION, "projection_dim": 24}
PAD = TEXT["pad_token_id"]
N_PATCHES = 16


def config_of(kind: str):
    """A tiny configuration of each type of dual encoder."""
    siglip_text = {**TEXT, "projection_size": 32}
    align_vision = {"image_size": 32, "width_coefficient": 0.2, "depth_coefficient": 0.2}
    align_vision |= {"hidden_dim": 64, "initializer_range": 0.5}
    group_vision = {**VISION, "depths": [1, 1], "num_group_tokens": [4, 0]}
    group_vision |= {"num_output_groups": [4, 2]}
    return {
        "clip": lambda: CLIPConfig(**TOWERS),
        "siglip": lambda: SiglipConfig(text_config=siglip_text, vision_config=VISION),
        "siglip2": lambda: Siglip2Config(
            text_config=siglip_text,
            vision_config={**LAYERS, "patch_size": 8, "num_patches": N_PATCHES},
        ),
        "altclip": lambda: AltCLIPConfig(**{**TOWERS, "text_config": {**TEXT, "project_dim": 24}}),
        "align": lambda: AlignConfig(
            text_config=TEXT, vision_config=align_vision, projection_dim=64
        ),
        "chinese_clip": lambda: ChineseCLIPConfig(**TOWERS),
        "metaclip_2": lambda: MetaClip2Config(**TOWERS),
        "groupvit": lambda: GroupViTConfig(**{**TOWERS, "vision_config": group_vision}),
        "vision-text-dual-encoder": lambda: VisionTextDualEncoderConfig.from_vision_text_configs(
            ViTConfig(**VISION), BertConfig(**TEXT), projection_dim=24
        ),
        "flava": lambda: FlavaConfig(
            text_config=TEXT, image_config=VISION, multimodal_config=LAYERS, projection_dim=24
        ),
    }[kind]()


def model_of(kind: str):
    torch.manual_seed(0)
    return perturb(AutoModel.from_config(config_of(kind)))


def image_inputs(kind: str, n_images: int = 3) -> dict[str, torch.Tensor]:
    if kind != "siglip2":
        return {"pixel_values": torch.randn(n_images, 3, 32, 32)}
    shapes = torch.tensor([[4, 4], [2, 8], [3, 5]])
    patches = torch.arange(N_PATCHES)
    return {
        "pixel_values": torch.randn(n_images, N_PATCHES, 3 * 8 * 8),
        "pixel_attention_mask": (patches < shapes.prod(1, keepdim=True)).long(),
        "spatial_shapes": shapes,
    }


@pytest.mark.parametrize(
    "kind",
    [
        "clip",
        "siglip",
        "siglip2",
        "altclip",
        "align",
        "chinese_clip",
        "metaclip_2",
        "groupvit",
        "vision-text-dual-encoder",
    ],
)
def test_each_types_scores_are_its_models_own_logits(kind):
    model, inputs = model_of(kind), image_inputs(kind)
    token_ids = [[2, 5, 6, 7, 3], [2, 8, 3], [2, 9, 10, 11, 12, 13, 3], [2, 14, 15, 3]]
    if kind in READ_PADDING:
        token_ids = [[*ids, *[PAD] * (20 - len(ids))] for ids in token_ids]
    with torch.inference_mode():
        expected = model(**pad_tokens(token_ids, PAD), **inputs).logits_per_image.numpy()
        scale, bias = scale_and_bias(model)
        images = scale * encode_images(model, [inputs], show_progress=False)
        captions = encode_captions(model, token_ids, PAD, batch_size=2, show_progress=False)
    found = scores(EncodedGallery(images, captions, bias))
    assert expected.std() > 1e-3
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_siglips_scores_are_those_of_padded_captions_only():
    model, pixels = model_of("siglip"), image_inputs("siglip")["pixel_values"]
    with torch.inference_mode():
        plain, padded = (
            encode_captions(model, [ids], PAD, 1, show_progress=False)
            for ids in ([2, 5, 3], [2, 5, 3, *[PAD] * 17])
        )
    assert (plain - padded).abs().max() > 1e-2
    assert len(encode_images(model, [pixels], show_progress=False)) == 3


@pytest.mark.parametrize(("pad_id", "positions"), [(0, 19), (1, 18), (3, 16)])
def test_robertas_positions_begin_after_that_of_the_padding(pad_id, positions):
    text = {**TEXT, "project_dim": 24, "pad_token_id": pad_id}
    model = AutoModel.from_config(AltCLIPConfig(**{**TOWERS, "text_config": text})).eval()
    assert caption_positions(model) == positions
    model.get_text_features(torch.full((1, positions), 5))
    with pytest.raises((IndexError, RuntimeError), match="out of"):
        model.get_text_features(torch.full((1, positions + 1), 5))


def test_a_model_without_a_learnt_scale_is_refused():
    model = model_of("clip")
    del model.logit_scale
    with pytest.raises(InputError, match="CLIPModel: expected a dual encoder with a learnt"):
        scale_and_bias(model)


def test_a_model_with_an_embedding_a_token_is_refused():
    model = model_of("flava")
    with torch.inference_mode(), pytest.raises(InputError, match="one embedding an image"):
        encode_captions(model, [[2, 5, 3]], PAD, 1, show_progress=False)


@pytest.fixture
def case(tmp_path):
    split = make_split(5, "test")
    write_image_files(tmp_path, split)
    paths = [tmp_path / image.file_name for image in split.images]
    write_images_file(tmp_path / "i.h5", split.image_ids, [p.read_bytes() for p in paths])
    return split, paths, ImagesFile(tmp_path / "i.h5"), save_clip(tmp_path / "clip")


def encoded(case, **options) -> EncodedGallery:
    split, _, images, checkpoint = case
    tokenizer = load_tokenizer(checkpoint, vocabulary_size=54)
    return encode_gallery(
        load_model(checkpoint),
        tokenize_captions(split, tokenizer, max_length=77).token_ids,
        tokenizer.pad_token_id,
        images,
        split.image_ids,
        load_image_processor(checkpoint),
        show_progress=False,
        **options,
    )


def scores(gallery: EncodedGallery) -> np.ndarray:
    return gallery.score(slice(None), np.arange(gallery.n_captions))


def ours(case, **options) -> np.ndarray:
    return scores(encoded(case, **options))


def test_the_scores_are_those_of_hfs_model_and_processor(case):
    split, paths, _, checkpoint = case
    processor = CLIPProcessor.from_pretrained(checkpoint)
    pictures = [Image.open(path).convert("RGB") for path in paths]
    inputs = processor(
        text=list(split.captions), images=pictures, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = load_model(checkpoint)(**inputs).logits_per_image.numpy()
    assert expected.std() > 0.01
    np.testing.assert_allclose(ours(case), expected, atol=1e-4)


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 2}, {"num_workers": 2}])
def test_batches_and_workers_do_not_change_the_scores(case, options):
    np.testing.assert_allclose(ours(case, **options), ours(case), atol=1e-4)


def test_columns_may_come_in_any_order(case):
    gallery = encoded(case)
    columns = np.array([4, 0, 2])
    block = gallery.score(slice(1, 3), columns)
    assert block.dtype == np.float32
    np.testing.assert_allclose(block, scores(gallery)[1:3][:, columns], atol=1e-5)


def test_half_precision_encoders_still_give_float32_scores(case):
    expected = ours(case)
    gallery = encoded(case, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        found = scores(gallery)
    np.testing.assert_array_equal(found, scores(gallery))
    assert not np.array_equal(found, torch.from_numpy(found).bfloat16().float().numpy())
    np.testing.assert_allclose(found, expected, atol=0.15)


def test_negative_images_change_the_scores_of_the_images_only(case):
    plain, negative = encoded(case), encoded(case, negative_images=True)
    assert torch.equal(plain.captions, negative.captions)
    assert not torch.allclose(plain.images, negative.images, atol=1e-2)


def test_an_image_that_is_not_in_the_file_is_named(case):
    _, _, images, checkpoint = case
    with pytest.raises(InputError, match="image 7 is not in the file"):
        encode_gallery(
            load_model(checkpoint),
            [[1, 2]],
            0,
            images,
            np.array([7]),
            load_image_processor(checkpoint),
        )
