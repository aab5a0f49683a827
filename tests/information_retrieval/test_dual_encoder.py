"""CLIP's scores from encoding each image and caption once, against HF's own forward."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPProcessor

from information_retrieval import dual_encoder
from information_retrieval.checkpoint import load_image_processor, load_model, load_tokenizer
from information_retrieval.dual_encoder import EncodedGallery, encode_gallery
from information_retrieval.tokenization import tokenize_captions
from preprocess.errors import InputError
from preprocess.images_file import ImagesFile, write_images_file
from tests.conftest import make_split, save_clip, write_image_files


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
        tokenize_captions(split, tokenizer, max_length=77),
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


def test_column_blocks_have_every_caption_once_and_make_the_whole_matrix(case, monkeypatch):
    monkeypatch.setattr(dual_encoder, "BLOCK_CAPTIONS", 3)
    gallery = encoded(case)
    assert (gallery.n_images, gallery.n_captions) == (5, len(case[0].captions))
    columns = np.concatenate(gallery.column_blocks)
    assert columns.tolist() == list(range(gallery.n_captions))
    blocks = [
        np.concatenate([gallery.score(slice(r, r + 2), block) for r in range(0, 5, 2)])
        for block in gallery.column_blocks
    ]
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), scores(gallery), atol=1e-5)


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
