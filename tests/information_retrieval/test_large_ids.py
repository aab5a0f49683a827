"""Ids that 32 bits do not hold, as Flickr's photographs have, from the split file to the ranks."""

import json

import numpy as np

from error_analysis.mining import main as mining_main
from information_retrieval.evaluate import main as evaluate_main
from information_retrieval.ranking.rankings import read_rankings
from preprocess.base.files import read_json
from preprocess.captions.split_file import read_split
from preprocess.splits import main as splits_main
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile
from preprocess.write_images import main as write_images_main
from tests.conftest import save_clip, write_features, write_image_files

# The largest of Flickr30k; one that is 36979 in 32 bits; one of 33 bits that are all set.
PHOTOGRAPHS = [8251604257, 2**32 + 36979, 2**33 - 1, 36979]


def albef_json(path) -> None:
    entries = [
        {
            "image": f"flickr30k-images/{i}.jpg",
            "caption": [f"{'ab' * (n + 1)} {i}" for n in range(5)],
        }
        for i in PHOTOGRAPHS
    ]
    path.write_text(json.dumps(entries))


def test_photographs_ids_come_through_unchanged(tmp_path, run_main):
    albef_json(tmp_path / "flickr30k_test.json")
    options = ["--albef_json", tmp_path / "flickr30k_test.json", "--split", "test"]
    assert run_main(splits_main, *options, "--dataset", "flickr30k", "--output_dir", tmp_path) == 0
    split_file = tmp_path / "test.json"
    split = read_split(split_file)
    assert split.image_ids.tolist() == PHOTOGRAPHS
    write_image_files(tmp_path / "images", split)
    options = ["--split_file", split_file, "--image_root", tmp_path / "images", "--output"]
    assert run_main(write_images_main, *options, tmp_path / "test_images.h5") == 0
    assert ImagesFile(tmp_path / "test_images.h5").image_ids.tolist() == PHOTOGRAPHS
    write_features(tmp_path / "test_features.h5", split)
    assert FeaturesFile(tmp_path / "test_features.h5").image_ids.tolist() == PHOTOGRAPHS
    output = tmp_path / "clip" / "test.npz"
    options = ["--model_name_or_path", save_clip(tmp_path / "model"), "--data_dir", tmp_path]
    assert run_main(evaluate_main, *options, "--protocol", "full", "--output", output) == 0
    rankings = read_rankings(output, split)
    assert rankings.image_ids.tolist() == PHOTOGRAPHS
    assert rankings.image_ids.dtype == np.int64
    # Five captions share one image: none is a picture of its own.
    assert rankings.scores.shape == (4, 20)
    assert rankings.caption_image_index.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    metrics = read_json(output.with_name("metrics.json"), "")
    assert metrics["no_benchmark"] == "the split has 4 images, Karpathy's test 1,000"
    mined = tmp_path / "hard.json"
    options = ["--rankings", output, "--split_file", split_file, "--output", mined]
    assert run_main(mining_main, *options) == 0
    queries = read_json(mined, "")["t2i"]["easy"]
    assert queries
    for query in queries:
        assert sorted(query["retrieved"]) == sorted(PHOTOGRAPHS)
        assert query["ground_truth"] in PHOTOGRAPHS
