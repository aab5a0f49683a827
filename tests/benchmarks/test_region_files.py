"""The benchmark of region files, on a few images."""

import pytest

from benchmarks import region_files
from preprocess.region_phrases.region_file import RegionsFile


def test_the_ways_have_the_same_regions(tmp_path):
    region_files.write_visual_genome(tmp_path, 5, 3)
    descriptions = region_files.load_descriptions(tmp_path)
    region_files.make_ours(tmp_path)
    ours, plain = region_files.read_ours(tmp_path), region_files.load_region_file(tmp_path)
    assert isinstance(ours, RegionsFile)
    assert len(ours) == len(descriptions) == len(plain["images"]) == 5
    assert ours.n_regions == 15
    for row, (image, source) in enumerate(zip(plain["images"], descriptions, strict=True)):
        for region, other, found in zip(
            ours.regions(row), image["regions"], source["regions"], strict=True
        ):
            assert list(region.phrases) == other["phrases"] == [found["phrase"]]
            assert list(region.box) == other["box"]


@pytest.mark.long
def test_each_way_has_a_row_and_nothing_stays(tmp_path, run_main, capsys):
    options = ("--folder", tmp_path, "--n_images", 20, "--per_image", 3)
    assert run_main(region_files.main, *options) == 0
    title, _, _, *rows = capsys.readouterr().out.splitlines()
    assert title.startswith("20 images, 60 regions")
    assert [row[:42].strip() for row in rows] == list(region_files.WAYS)
    assert not list(tmp_path.iterdir())
