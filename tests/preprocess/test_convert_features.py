"""Other programs' region features: each format, the regions chosen, resuming."""

import json

import h5py
import numpy as np
import pytest

from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from tests.conftest import assert_one_clear_line
from tests.preprocess.conversion import foreign_features as foreign
from tests.preprocess.conversion.foreign_features import (
    FORMATS,
    HEIGHT,
    IDS,
    REGIONS,
    SIDES,
    WIDTH,
    bottom_up_tsv,
    lxmert_tsv,
    random_regions,
)

LABELLED = {"lxmert", "port", "batched port", "port without pixels", "vl-t5"}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_file(name, convert, tmp_path):
    assert convert(FORMATS[name](tmp_path), image_root=tmp_path / "images") == 0
    features = FeaturesFile(tmp_path / "f.h5")
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if name == "uniter" else {"rtol": 0, "atol": 1e-6}
    assert features.image_ids.tolist() == list(IDS)
    for image_id, regions in REGIONS.items():
        row = features.read(image_id)
        np.testing.assert_allclose(row["visual_feats"], regions.features, **tolerance)
        np.testing.assert_allclose(row["visual_pos"], regions.boxes / SIDES, **tolerance)
        assert row["image_sizes"].tolist() == [HEIGHT, WIDTH]
        assert row["n_fillers"] == 0
        if name in LABELLED:
            np.testing.assert_array_equal(row["object_ids"], regions.object_ids)
            np.testing.assert_array_equal(row["object_scores"], regions.scores)
            np.testing.assert_array_equal(row["attribute_ids"], regions.object_ids + 1)
            np.testing.assert_array_equal(row["attribute_scores"], regions.scores / 2)
        else:
            assert set(row["object_ids"]) == set(row["attribute_ids"]) == {-1}
            assert set(row["attribute_scores"]) == {0}


def test_the_file_says_where_its_features_came_from(convert, tmp_path, capsys):
    assert convert(FORMATS["lxmert"](tmp_path), weights_name="frcnn", dtype="float16") == 0
    assert "skipped 1 images" in capsys.readouterr().out
    attributes = FeaturesFile(tmp_path / "f.h5").attributes
    assert attributes["extractor"] == "preprocess.convert_features"
    assert (attributes["weights"], attributes["weights_sha256"]) == ("frcnn", "")
    settings = json.loads(attributes["settings"])
    assert (settings["source_format"], settings["box_format"]) == ("LXMERT TSV", "xyxy")
    with h5py.File(tmp_path / "f.h5") as file:
        assert file["visual_feats"].dtype == np.float16


def test_other_detectors_in_the_folder_are_warned_of(convert, tmp_path, capsys):
    source = FORMATS["lxmert"](tmp_path)
    assert convert(source, weights_name="A") == 0
    (tmp_path / "f.h5").rename(tmp_path / "val_features.h5")
    assert convert(source, weights_name="A") == 0
    assert "warning" not in capsys.readouterr().err
    (tmp_path / "f.h5").unlink()
    assert convert(source, weights_name="B", weights_sha256="AB" * 32) == 0
    assert FeaturesFile(tmp_path / "f.h5").attributes["weights_sha256"] == "ab" * 32
    error = capsys.readouterr().err
    assert f"the weights B (sha256 {'ab' * 32}), " in error
    assert "val_features.h5 with A (no hash known)" in error
    status = convert(source, weights_sha256="abc")
    assert_one_clear_line(status, "--weights_sha256", "64 hexadecimal digits", "'abc'")


def test_of_more_regions_the_best_scored_are_kept_and_fewer_are_repeated(convert, tmp_path):
    regions = {i: random_regions(n, seed=i) for i, n in zip(IDS, (10, 6, 4), strict=True)}
    assert convert(lxmert_tsv(tmp_path / "a.tsv", regions)) == 0
    rows = [FeaturesFile(tmp_path / "f.h5").read(image_id) for image_id in IDS]
    assert [row["n_fillers"] for row in rows] == [0, 0, 2]
    # Scores are 0, 0.1 ... 0.9.
    assert np.round(rows[0]["object_scores"] * 10).tolist() == [9, 8, 7, 6, 5, 4]
    best = np.argsort(-regions[IDS[0]].scores)[:6]
    np.testing.assert_array_equal(rows[0]["visual_feats"], regions[IDS[0]].features[best])
    np.testing.assert_array_equal(rows[1]["visual_feats"], regions[IDS[1]].features)
    fewer = regions[IDS[2]].features[[0, 1, 2, 3, 0, 1]]
    np.testing.assert_array_equal(rows[2]["visual_feats"], fewer)


def test_without_scores_the_first_regions_are_kept(convert, tmp_path):
    assert convert(bottom_up_tsv(tmp_path / "a.tsv"), n_regions=4) == 0
    row = FeaturesFile(tmp_path / "f.h5").read(IDS[0])
    np.testing.assert_array_equal(row["visual_feats"], REGIONS[IDS[0]].features[:4])


def test_a_killed_conversion_goes_on_and_changed_images_are_converted_again(
    convert, tmp_path, monkeypatch
):
    first = bottom_up_tsv(tmp_path / "a.tsv", IDS[:2])
    assert_one_clear_line(convert(first), "1 of 3 images", IDS[2], "marked incomplete")
    written = []
    write = FeaturesWriter.write
    monkeypatch.setattr(
        FeaturesWriter, "write", lambda self, row, **a: (written.append(row), write(self, row, **a))
    )
    second = bottom_up_tsv(tmp_path / "b.tsv", IDS[2:])
    assert convert(first, second) == 0
    assert convert(second, first) == 0
    assert written == [2]
    changed = {**REGIONS, IDS[1]: random_regions(6, seed=1)}
    lines = (foreign.bottom_up_fields(str(i), changed[i]) for i in IDS)
    assert convert(foreign.write_tsv(tmp_path / "c.tsv", lines)) == 0
    assert written == [2, 1]
    row = FeaturesFile(tmp_path / "f.h5").read(IDS[1])
    np.testing.assert_array_equal(row["visual_feats"], changed[IDS[1]].features)
