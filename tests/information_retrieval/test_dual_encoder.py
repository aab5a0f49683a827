"""CLIP's scores from encoding each image and caption once, against HF's own forward."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPProcessor

from information_retrieval.checkpoint import load_image_processor, load_model, load_tokenizer
from information_retrieval.dual_encoder import score_gallery
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


def ours(case, **options) -> np.ndarray:
    split, _, images, checkpoint = case
    tokenizer = load_tokenizer(checkpoint, vocabulary_size=54)
    return score_gallery(
        load_model(checkpoint),
        tokenize_captions(split, tokenizer, max_length=77),
        tokenizer.pad_token_id,
        images,
        split.image_ids,
        load_image_processor(checkpoint),
        show_progress=False,
        **options,
    )


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


def test_an_image_that_is_not_in_the_file_is_named(case):
    _, _, images, checkpoint = case
    with pytest.raises(InputError, match="image 7 is not in the file"):
        score_gallery(
            load_model(checkpoint),
            [[1, 2]],
            0,
            images,
            np.array([7]),
            load_image_processor(checkpoint),
        )
