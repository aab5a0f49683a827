"""The benchmark of reading features, on three images."""

import numpy as np
import pytest

from benchmarks import feature_reads


@pytest.mark.long
def test_each_layout_has_a_row_and_other_files_of_the_folder_stay(tmp_path, run_main, capsys):
    kept = tmp_path / "feature_reads" / "ours.h5"
    kept.parent.mkdir()
    kept.write_text("of another program")
    options = ("--folder", tmp_path, "--n_images", 3, "--repeats", 1)
    assert run_main(feature_reads.main, *options) == 0
    title, _, *lines = capsys.readouterr().out.splitlines()
    assert "of 3, " in title
    assert [line[:22].strip() for line in lines] == list(feature_reads.LAYOUTS)
    for line in lines:
        times = [float(cell) for cell in line[22:].split()]
        assert len(times) == 3
        assert min(times) > 0
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]
    assert kept.read_text() == "of another program"


def test_the_layouts_hold_the_same_numbers(tmp_path):
    feature_reads.write_files(tmp_path, 3)
    readers = {name: opened(tmp_path) for name, opened in feature_reads.LAYOUTS.items()}
    for image_id in range(3):
        our_feats, our_pos = readers["ours"](image_id)
        for name in ("HDF5 group an image", "memory-mapped .npy"):
            feats, pos = readers[name](image_id)
            assert feats[0, 0] == image_id
            np.testing.assert_array_equal(our_feats, feats)
            np.testing.assert_array_equal(our_pos, pos)
