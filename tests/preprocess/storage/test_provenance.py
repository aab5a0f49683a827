"""What is said of a features file whose folder holds those of another detector."""

import json

import numpy as np

from preprocess.storage.features_writer import FeaturesWriter
from preprocess.storage.provenance import detectors_beside
from tests.conftest import FEATURE_DIM, N_REGIONS
from tests.preprocess.storage.test_hdf5 import held_by_another_process


def attributes(sha256: str = "a" * 64, **settings) -> dict[str, str]:
    return {
        "extractor": "random",
        "weights": f"detector of {sha256[0]}",
        "weights_sha256": sha256,
        "settings": json.dumps(settings),
    }


def write(path, stored: dict[str, str]) -> FeaturesWriter:
    return FeaturesWriter(path, np.arange(3), N_REGIONS, FEATURE_DIM, "float32", stored)


def test_files_of_the_same_detector_and_other_files_are_not_warned_of(tmp_path):
    with write(tmp_path / "train_features.h5", attributes(min_size=600)):
        pass
    with write(tmp_path / "test_features.h5", attributes("c" * 64)):  # the file itself
        pass
    (tmp_path / "broken_features.h5").write_bytes(b"no HDF5")
    with write(tmp_path / "other.h5", attributes("b" * 64)):
        pass
    assert detectors_beside(tmp_path / "test_features.h5", attributes(min_size=600)) == []
    assert detectors_beside(tmp_path / "nowhere" / "f.h5", attributes()) == []


def test_other_weights_are_warned_of_with_both_hashes_also_while_they_are_written(tmp_path):
    other = tmp_path / "train_features.h5"
    with write(other, attributes("b" * 64)):
        pass
    with held_by_another_process(other):
        (line,) = detectors_beside(tmp_path / "test_features.h5", attributes())
    assert "\n" not in line
    for part in ("a" * 64, "b" * 64, "detector of a", "detector of b", "train_features.h5"):
        assert part in line


def test_weights_without_a_hash_are_told_by_their_names(tmp_path):
    no_hash = {**attributes(), "weights_sha256": ""}
    with write(tmp_path / "train_features.h5", {**no_hash, "weights": "A"}):
        pass
    output = tmp_path / "test_features.h5"
    assert detectors_beside(output, {**no_hash, "weights": "A"}) == []
    assert detectors_beside(output, {**attributes(), "weights": "A"}) == []
    (line,) = detectors_beside(output, {**no_hash, "weights": "B"})
    assert "weights B (no hash known)" in line
    assert "with A (no hash known)" in line
    (line,) = detectors_beside(output, attributes())
    assert f"detector of a (sha256 {'a' * 64})" in line
    assert "with A (no hash known)" in line


def test_weights_of_one_hash_and_two_names_are_the_same(tmp_path):
    with write(tmp_path / "train_features.h5", attributes()):
        pass
    moved = {**attributes(), "weights": "elsewhere"}
    assert detectors_beside(tmp_path / "test_features.h5", moved) == []


def test_other_settings_are_warned_of_by_name(tmp_path):
    with write(tmp_path / "train_features.h5", attributes(min_size=600, max_size=1000)):
        pass
    beside = detectors_beside(
        tmp_path / "test_features.h5", attributes(min_size=800, max_size=1000)
    )
    assert len(beside) == 1
    assert "setting min_size (expected 600, found 800)" in beside[0]
    assert "max_size" not in beside[0]
