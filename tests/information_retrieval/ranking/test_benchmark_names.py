"""Numbers are called Flickr30k 1K, or COCO's, where they are that."""

from dataclasses import replace

import numpy as np
import pytest

from information_retrieval.ranking.benchmark_names import FIRST_OF_FLICKR30K, with_benchmark
from information_retrieval.ranking.protocols import (
    Protocol,
    metrics_table,
    protocol_metrics,
    protocol_split,
)
from information_retrieval.ranking.rankings import Rankings, rank_scores
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split, read_split


def split_of(dataset: str, n_images: int, n_captions: int = 5, name: str = "test") -> Split:
    """A split whose first image has the name of the first of Karpathy's test of Flickr30k."""
    images = tuple(
        CaptionedImage(
            i,
            f"flickr30k-images/{int(FIRST_OF_FLICKR30K) + i}.jpg",
            tuple(Caption(10 * i + c, "a") for c in range(n_captions)),
        )
        for i in range(n_images)
    )
    return Split(dataset, name, "made by a test", images)


def rankings_of(split: Split) -> Rankings:
    """Rankings of a split by the sum of an image's and a caption's place."""
    rows = np.arange(len(split.images), dtype=np.float32)[:, None]
    columns = np.arange(len(split.captions), dtype=np.float32)
    return rank_scores(rows + columns, split, {})


def named(split: Split, protocol: Protocol, scored: Split | None = None) -> dict:
    """What is told of a protocol's metrics, without the metrics."""
    rankings = rankings_of(scored or protocol_split(split, protocol))
    return with_benchmark({"protocol": protocol}, split, rankings)


@pytest.mark.parametrize("protocol", ["1k", "full"])
def test_karpathys_thousand_test_images_are_flickr30k_1k(protocol):
    found = named(split_of("flickr30k", 1000), protocol)
    assert found == {"protocol": protocol, "benchmark": "Flickr30k 1K"}


def test_the_real_test_split_is_flickr30k_1k(shared_data):
    split = read_split(shared_data / "flickr30k" / "test.json")
    assert named(split, "1k")["benchmark"] == "Flickr30k 1K"


def test_a_thousand_other_images_or_captions_are_not_flickr30k_1k():
    split = split_of("flickr30k", 1000)
    entities = replace(
        split, images=(*split.images[1:], replace(split.images[0], file_name="1.jpg"))
    )
    assert "Flickr30k Entities" in named(entities, "1k")["no_benchmark"]
    one = split.first(1000, captions_per_image=1)
    assert named(split, "full", one)["no_benchmark"] == "1,000 images have not five captions"
    assert "999 images" in named(split.first(999), "full")["no_benchmark"]
    part = split.first(500)
    assert named(split, "full", part)["no_benchmark"] == "500 images of 1,000 were scored"
    mixed = replace(split, images=split.images[::-1])
    assert "another order" in named(split, "full", mixed)["no_benchmark"]


def test_a_test_of_more_images_is_refused_under_the_protocols_of_1k_with_the_reason():
    split = split_of("flickr30k", 1014)
    for protocol in ("1k", "5k", "5fold"):
        with pytest.raises(InputError, match="has 1,014 images; Flickr30k 1K is Karpathy's test"):
            protocol_split(split, protocol)
    assert "the split has 1,014 images" in named(split, "full")["no_benchmark"]
    assert protocol_split(replace(split, split="val"), "1k").split == "val"
    assert named(split_of("flickr30k", 1014, name="val"), "1k") == {"protocol": "1k"}
    assert len(protocol_split(split_of("mine", 1014), "1k").images) == 1000


def test_cocos_protocols_are_named_and_other_data_sets_are_not():
    split = split_of("coco", 5000, n_captions=6)
    names = {p: named(split, p, split.first(1000))["benchmark"] for p in ("1k", "5fold", "5k")}
    assert names == {
        "1k": "COCO 1K, the first 1,000",
        "5fold": "COCO 1K, mean of five folds",
        "5k": "COCO 5K",
    }
    assert named(split, "full", split.first(1000)) == {"protocol": "full"}
    assert named(split_of("coco", 240), "full") == {"protocol": "full"}
    assert named(split_of("mine", 1000), "1k") == {"protocol": "1k"}


def test_the_name_stands_in_the_table_beside_the_protocol():
    scores, index = np.eye(3, dtype=np.float32), np.arange(3)
    result = protocol_metrics(scores, index, "full")
    table = metrics_table({**result, "benchmark": "Flickr30k 1K"})
    assert "protocol full (Flickr30k 1K); tied" in table
    table = metrics_table({**result, "no_benchmark": "it is larger"})
    assert "protocol full (not Flickr30k 1K: it is larger); tied" in table
