"""Numbers are called Flickr30k 1K, or COCO's, where they are that."""

from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest

from information_retrieval.ranking import benchmark_names
from information_retrieval.ranking.benchmark_names import (
    FIRST_OF_FLICKR30K,
    LAST_OF_FLICKR30K,
    order_sha256,
    with_benchmark,
)
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
    """A split whose first and last images have the names of Karpathy's test of Flickr30k."""
    names = [str(int(FIRST_OF_FLICKR30K) + i) for i in range(n_images - 1)] + [LAST_OF_FLICKR30K]
    images = tuple(
        CaptionedImage(
            i,
            f"flickr30k-images/{names[i]}.jpg",
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
    mixed = replace(split, images=(split.images[0], *split.images[:0:-1]))
    assert "not in the order of Karpathy's test" in named(mixed, "1k")["no_benchmark"]
    other = replace(split.images[-1], file_name="97234559.jpg")
    other_last = replace(split, images=(*split.images[:-1], other))
    assert f"{LAST_OF_FLICKR30K}.jpg, the last of" in named(other_last, "1k")["no_benchmark"]
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


def test_tokenised_captions_are_not_flickr30k_1k():
    split = split_of("flickr30k", 1000)

    def ending(end: str, n_images: int) -> Split:
        images = [
            replace(i, captions=tuple(replace(c, caption=f"In the yard{end}") for c in i.captions))
            for i in split.images[:n_images]
        ]
        return replace(split, images=(*images, *split.images[n_images:]))

    assert named(ending(" .", 1000), "1k") == {
        "protocol": "1k",
        "no_benchmark": 'its captions are tokenised ("in the yard ."), Karpathy\'s are as written; '
        "published numbers are of these",
    }
    assert named(ending(".", 1000), "1k")["benchmark"] == "Flickr30k 1K"
    assert named(ending(" .", 400), "1k")["benchmark"] == "Flickr30k 1K"  # some are written so


COCO_NAMES: dict[Protocol, str] = {
    "1k": "COCO 1K, the first 1,000",
    "5fold": "COCO 1K, mean of five folds",
    "5k": "COCO 5K",
}


def test_cocos_protocols_are_named_where_the_images_are_in_karpathys_order(monkeypatch):
    split = split_of("coco", 5000, n_captions=6)
    part = split.first(1000)
    for protocol in COCO_NAMES:
        assert named(split, protocol, part) == {"protocol": protocol}
    stems = [PurePosixPath(image.file_name).stem for image in split.images]
    monkeypatch.setattr(benchmark_names, "COCO_TEST_SHA256", order_sha256(stems))
    for protocol, name in COCO_NAMES.items():
        assert named(split, protocol, part) == {"protocol": protocol, "benchmark": name}
    assert named(split, "full", part) == {"protocol": "full"}
    mixed = replace(split, images=split.images[::-1])
    assert named(mixed, "5fold", mixed.first(1000)) == {"protocol": "5fold"}


def test_the_real_test_of_coco_is_named_and_shuffled_or_numbered_anew_it_is_told_apart(shared_data):
    split = read_split(shared_data / "coco5k" / "test.json")
    renamed = tuple(
        replace(image, image_id=row, file_name=f"{image.image_id:012d}.jpg")
        for row, image in enumerate(split.images, start=1)
    )
    for images in (split.images, renamed):
        same = replace(split, images=images)
        found = {p: named(same, p, same.first(1000)).get("benchmark") for p in COCO_NAMES}
        assert found == COCO_NAMES
    order = np.random.default_rng(0).permutation(5000)
    mixed = replace(split, images=tuple(split.images[i] for i in order))
    for protocol in COCO_NAMES:
        assert named(mixed, protocol, mixed.first(1000)) == {"protocol": protocol}


def test_other_data_sets_and_small_ones_have_no_name():
    assert named(split_of("coco", 240), "full") == {"protocol": "full"}
    assert named(split_of("mine", 1000), "1k") == {"protocol": "1k"}


def test_the_name_stands_in_the_table_beside_the_protocol():
    scores, index = np.eye(3, dtype=np.float32), np.arange(3)
    result = protocol_metrics(scores, index, "full")
    table = metrics_table({**result, "benchmark": "Flickr30k 1K"})
    assert "protocol full (Flickr30k 1K); tied" in table
    table = metrics_table({**result, "no_benchmark": "it is larger"})
    assert "protocol full (not Flickr30k 1K: it is larger); tied" in table
