"""A sample of images and captions, embedded by dual encoders."""

import numpy as np
import pytest
import torch
from transformers import CLIPModel

from error_analysis.probing.pair_embeddings import draw_pairs, embed_pairs
from error_analysis.probing.probed_captions import ScoringModel
from error_analysis.statistics.joint_tsne import cosines
from information_retrieval.models.loaded_gallery import EncoderOptions, GalleryFiles
from information_retrieval.models.loading import load_gallery
from preprocess.base.errors import InputError
from preprocess.captions.split_file import read_split
from tests.conftest import make_split, save_clip, save_lxmert, write_images_of
from tests.image_readers import save_image_reader
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre
from tests.information_retrieval.models.xvlm.tiny import save_xvlm

CPU = torch.device("cpu")


def model_of(checkpoint, data_dir, **options) -> ScoringModel:
    files = GalleryFiles(data_dir / "test_features.h5", data_dir / "test_images.h5")
    return ScoringModel(str(checkpoint), files, CPU, EncoderOptions(**options))


@pytest.mark.parametrize("kind", ["clip", "siglip", "sx3hre", "xvlm"])
def test_cosines_of_the_embeddings_are_the_scores_but_for_scale_and_bias(data_dir, tmp_path, kind):
    write_images_of(data_dir, "test")
    save = {"clip": save_clip, "sx3hre": save_sx3hre, "xvlm": save_xvlm}.get(
        kind, lambda folder: save_image_reader(folder, kind)
    )
    model = model_of(save(tmp_path / kind), data_dir)
    split = read_split(data_dir / "test.json")
    points = embed_pairs(split, model).points
    for embedded in (points.images, points.captions):
        assert np.linalg.norm(embedded, axis=1) == pytest.approx(np.ones(len(embedded)))
    assert np.array_equal(points.caption_image_index, split.caption_image_index)
    options = EncoderOptions(score="itc" if kind == "xvlm" else None)
    loaded = load_gallery(model.name, split, model.files, CPU, options)
    scores = loaded.encode(np.arange(6)).score(slice(None), np.arange(len(split.captions)))
    scale, bias = np.polyfit(cosines(points).ravel(), scores.ravel(), 1)
    assert scale * cosines(points) + bias == pytest.approx(scores, abs=1e-4 * abs(scale))


@pytest.mark.parametrize("kind", ["lxmert", "vilt", "blip"])
def test_a_model_without_embeddings_of_its_own_for_images_is_refused(data_dir, tmp_path, kind):
    folder = tmp_path / kind
    _ = save_lxmert(folder) if kind == "lxmert" else save_image_reader(folder, kind)
    with pytest.raises(
        InputError, match=f"expected a dual encoder .* found a model of type {kind}"
    ):
        embed_pairs(make_split(3), model_of(folder, data_dir))


def test_images_and_captions_are_drawn_by_the_seed_and_stay_in_order():
    split = make_split(30)
    drawn = [draw_pairs(split, 12, 2, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    sample = drawn[0]
    assert len(sample.images) == 12
    assert (np.diff(sample.image_ids) > 0).all()
    of_image = {image.image_id: image.captions for image in split.images}
    for image in sample.images:
        assert len(image.captions) == min(2, len(of_image[image.image_id]))
        assert set(image.captions) <= set(of_image[image.image_id])
    assert any(image.captions[0] != of_image[image.image_id][0] for image in sample.images)


def test_a_small_split_is_drawn_whole_and_one_image_is_too_few():
    split = make_split(4)
    assert draw_pairs(split, 100, 100, np.random.default_rng(0)) == split
    with pytest.raises(InputError, match="expected two images or more, found 1"):
        draw_pairs(split.first(1), 100, 1, np.random.default_rng(0))


def test_an_embedding_that_is_not_finite_is_named(data_dir, tmp_path, monkeypatch):
    write_images_of(data_dir, "test")
    model = model_of(save_clip(tmp_path / "clip"), data_dir)
    clip = CLIPModel.from_pretrained(model.name)
    clip.text_projection.weight.data[3] = float("nan")
    clip.save_pretrained(model.name)
    split = read_split(data_dir / "test.json")
    with pytest.raises(InputError, match=f"embedding of caption {split.caption_ids[0]} is not"):
        embed_pairs(split, model)
