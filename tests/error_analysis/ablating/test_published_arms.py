"""Published rows stand beside a gallery, and say where they must not be compared with it."""

from dataclasses import replace

import pytest

from error_analysis.ablating.published_arms import published_arms
from tests.error_analysis.ablating.small_arms import gallery_of_arms


@pytest.fixture
def gallery(tmp_path):
    return gallery_of_arms(tmp_path)


@pytest.mark.parametrize(
    ("dataset", "benchmark", "r1"),
    [("coco", "COCO 5K", 53.38), ("flickr30k", "Flickr30k 1K", 66.1)],
)
def test_a_benchmark_may_be_compared_with_its_own_rows(gallery, dataset, benchmark, r1):
    found = published_arms(replace(gallery, dataset=dataset, benchmark=benchmark))
    assert (found.benchmark, found.why_not) == (benchmark, None)
    assert list(found.recalls) == ["itc", "cosine", "none"]
    assert found.recalls["itc"]["i2t_r1"] == r1
    assert "one training run" in found.why


def test_another_gallery_is_not_comparable_and_the_reason_is_told(gallery):
    found = published_arms(gallery)
    assert found.benchmark == "COCO 5K"
    assert found.why_not == "tiny test is not COCO 5K: the data set is called 'tiny'"
    part = replace(
        gallery, dataset="coco", benchmark="COCO 1K, the first 1,000", why_no_benchmark=None
    )
    assert published_arms(replace(part, name=part.benchmark)).why_not == (
        "COCO 1K, the first 1,000 is not COCO 5K"
    )
