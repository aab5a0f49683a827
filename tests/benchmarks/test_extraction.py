"""The benchmark of region extraction, on a tiny detector."""

import re

from benchmarks import extraction
from tests.conftest import assert_one_clear_line
from tests.preprocess.detector.tiny_detector import save_random_detector, save_random_image


def test_each_way_has_a_row_and_float32_chooses_the_regions_of_the_plain_way(
    tmp_path, run_main, capsys
):
    weights = save_random_detector(tmp_path / "detector")
    for seed in range(2):
        save_random_image(tmp_path / "images" / f"{seed}.jpg", seed)
    options = ("--weights", weights, "--image_root", tmp_path / "images", "--repeats", 2)
    status = run_main(extraction.main, *options, "--num_workers", 0, "--device", "cpu")
    assert status == 0
    first, _, *lines, _, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("2 images")
    row = re.compile(r"(.+?) +([\d.]+) - ([\d.]+) +([\d.]+) +([\d.]+)% +\S+ +\S+")
    found = {name: numbers for name, *numbers in (row.fullmatch(line).groups() for line in lines)}
    assert list(found) == ["plain", "ours, not channels-last", "ours", "ours, bfloat16"]
    for slowest, fastest, ratio, share in found.values():
        assert 0 < float(slowest) <= float(fastest)
        assert float(ratio) > 0
        assert 0 <= float(share) <= 100
    assert float(found["plain"][2]) == 1
    for name in ("plain", "ours, not channels-last", "ours"):
        assert float(found[name][3]) == 100


def test_random_images_have_the_sizes_of_coco(tmp_path):
    paths = extraction.random_images(tmp_path, 3)
    sizes = [extraction.decode_rgb(path.read_bytes(), path.name).shape[:2] for path in paths]
    assert sizes == list(extraction.SIZES[:3])


def test_a_folder_without_images_is_refused(tmp_path, run_main):
    weights = save_random_detector(tmp_path / "detector")
    status = run_main(extraction.main, "--weights", weights, "--image_root", tmp_path)
    assert_one_clear_line(status, tmp_path, "expected .jpg files")
