"""Inputs that are not converted: contradicting boxes, damage, other kinds of files."""

import h5py
import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.conversion import feature_rows, feature_tsv
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import assert_one_clear_line
from tests.preprocess.conversion import foreign_features as foreign
from tests.preprocess.conversion.foreign_features import (
    FORMATS,
    IDS,
    REGIONS,
    SIDES,
    bottom_up_tsv,
    coco_name,
    lxmert_tsv,
    random_regions,
)


def test_boxes_that_contradict_their_format_are_refused(convert, tmp_path):
    def write(change, ids=IDS):
        images = {str(i): foreign.vlt5_arrays(REGIONS[i]) for i in IDS}
        for i in map(str, ids):
            images[i] = {**images[i], "boxes": change(images[i]["boxes"])}
        return foreign.write_groups(tmp_path / "g.h5", images)

    def xywh(boxes):
        return np.concatenate((boxes[:, :2], boxes[:, 2:] - boxes[:, :2]), axis=1)

    status = convert(write(xywh))
    assert_one_clear_line(status, "expected xyxy boxes", "an end before its start", "xywh")
    assert convert(write(xywh), box_format="xywh") == 0
    (tmp_path / "f.h5").unlink()
    status = convert(write(lambda boxes: boxes / SIDES))
    assert_one_clear_line(status, "beyond 4 pixels", "they could be --box_format normalized_xyxy")
    assert not (tmp_path / "f.h5").exists()
    assert convert(write(lambda boxes: boxes / SIDES), box_format="normalized_xyxy") == 0
    (tmp_path / "f.h5").unlink()
    status = convert(write(lambda boxes: boxes / SIDES, IDS[1:2]))
    assert_one_clear_line(status, f"group {IDS[1]}", "could be --box_format normalized_xyxy")
    status = convert(write(lambda boxes: boxes), box_format="normalized_xyxy")
    assert_one_clear_line(status, "outside it", "they could be --box_format xyxy")
    assert_one_clear_line(convert(write(lambda boxes: boxes * 10)), "fit no known format")


def wide_tsv(path, dtype, mark=b"") -> list[np.ndarray]:
    """Bottom-up-attention's file of 2,048 numbers a region, in `dtype`."""
    generator = np.random.default_rng(0)
    features = [np.abs(generator.normal(size=(6, 2048))).astype(dtype) for _ in IDS]
    lines = [foreign.bottom_up_fields(str(i), REGIONS[i]) for i in IDS]
    for line, array in zip(lines, features, strict=True):
        line[5] = foreign.b64(array)
    foreign.write_tsv(path, lines)
    path.write_bytes(mark + path.read_bytes())
    return features


@pytest.mark.parametrize(("dtype", "as_float32"), [("float16", "1,024"), ("float64", "4,096")])
def test_features_of_another_type_are_never_read_as_float32(convert, tmp_path, dtype, as_float32):
    features = wide_tsv(tmp_path / "a.tsv", dtype)
    status = convert(tmp_path / "a.tsv")
    line = f"2,048 {dtype} or {as_float32} float32"
    assert_one_clear_line(status, "line 1", line, "--features_dtype")
    assert not (tmp_path / "f.h5").exists()
    assert convert(tmp_path / "a.tsv", features_dtype=dtype) == 0
    found = FeaturesFile(tmp_path / "f.h5").read(IDS[1])["visual_feats"]
    np.testing.assert_array_equal(found, features[1].astype(np.float32))


@pytest.mark.parametrize("dtype", ["float16", "float64"])
@pytest.mark.parametrize("width", [768, 1024])
def test_the_bits_of_features_tell_their_type_whatever_their_number(dtype, width):
    generator = np.random.default_rng(0)
    features = np.maximum(0, generator.normal(0.3, 1, (36, width))).astype(np.float32)
    as_float32 = np.frombuffer(features.astype(dtype).tobytes(), np.float32).reshape(36, -1)
    assert feature_tsv._looks_like(dtype, as_float32)
    for other in ("float16", "float64"):
        assert not feature_tsv._looks_like(other, features)
        # Rounded before they were stored as float32, as some detectors compute.
        rounded = features.astype(np.float16).astype(np.float32)
        assert not feature_tsv._looks_like(other, rounded)


def test_a_byte_order_mark_is_no_part_of_the_first_name(convert, tmp_path):
    features = wide_tsv(tmp_path / "a.tsv", np.float32, b"\xef\xbb\xbf")
    assert convert(tmp_path / "a.tsv") == 0
    found = FeaturesFile(tmp_path / "f.h5").read(IDS[0])["visual_feats"]
    np.testing.assert_array_equal(found, features[0])


def test_a_damaged_line_among_the_first_stops_before_anything_is_written(convert, tmp_path):
    lines = [foreign.lxmert_fields(str(i), REGIONS[i]) for i in IDS]
    lines[1][8] = "AAAA"
    assert_one_clear_line(convert(foreign.write_tsv(tmp_path / "a.tsv", lines)), "line 2")
    assert not (tmp_path / "f.h5").exists()


def ambiguous_regions(seed: int) -> foreign.Regions:
    """36 regions with boxes x1 y1 width height, each wider and taller than its offset."""
    regions = random_regions(36, seed)
    generator = np.random.default_rng(seed)
    offsets = 0.1 + 0.3 * generator.random((36, 2))
    sizes = offsets + (1 - 2 * offsets) * generator.random((36, 2))
    regions.boxes[:] = np.concatenate((offsets, sizes), axis=1) * SIDES
    return regions


def test_xywh_boxes_that_could_be_xyxy_are_refused_until_the_format_is_named(convert, tmp_path):
    regions = {i: ambiguous_regions(seed) for seed, i in enumerate(IDS)}
    path = lxmert_tsv(tmp_path / "a.tsv", regions)
    status = convert(path, n_regions=36)
    assert_one_clear_line(status, path, "0 of the first 108", "--box_format xyxy or --box_format x")
    assert not (tmp_path / "f.h5").exists()
    for box_format in ("xywh", "xyxy"):
        assert convert(path, n_regions=36, box_format=box_format) == 0
        row = FeaturesFile(tmp_path / "f.h5").read(IDS[0])
        boxes = regions[IDS[0]].boxes / SIDES
        if box_format == "xywh":
            boxes[:, 2:] += boxes[:, :2]
        np.testing.assert_allclose(row["visual_pos"], boxes, atol=1e-6)
        (tmp_path / "f.h5").unlink()


def test_an_input_of_xywh_boxes_is_refused_also_after_one_of_xyxy_boxes(convert, tmp_path):
    first = lxmert_tsv(tmp_path / "a.tsv", {i: REGIONS[i] for i in IDS[:2]})
    second = lxmert_tsv(tmp_path / "b.tsv", {IDS[2]: ambiguous_regions(0)})
    assert_one_clear_line(convert(first, second), second, "expected xyxy boxes", "xywh")
    assert not (tmp_path / "f.h5").exists()


def test_images_twice_or_of_no_single_row_are_refused(convert, tmp_path):
    a, b = bottom_up_tsv(tmp_path / "a.tsv"), lxmert_tsv(tmp_path / "b.tsv")
    assert_one_clear_line(convert(a, a), f"image {IDS[0]} once", "a.tsv, line 1 too")
    c = bottom_up_tsv(tmp_path / "c.tsv", IDS[1:2])
    assert_one_clear_line(convert(a, c), f"image {IDS[1]} once", "c.tsv, line 1", "a.tsv, line 2")
    (tmp_path / "f.h5").unlink()
    status = convert(a, b)
    assert_one_clear_line(status, "b.tsv, line 1", "expected the layout of the first image")
    assert not (tmp_path / "f.h5").exists()
    none = foreign.write_tsv(tmp_path / "e.tsv", [foreign.lxmert_fields("dog", REGIONS[IDS[0]])])
    assert_one_clear_line(convert(none), coco_name(IDS[0]), "found none in 1 images")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        (8, "AAAA", ("expected 96 bytes in boxes", "found 3")),
        (9, "AAAAA", ("expected base64 in features", "'AAAAA'")),
        (9, "", ("expected a multiple of 24 bytes in features",)),
        (7, "six", ("expected an integer in num_boxes", "header")),
        (7, "0", ("at least one box",)),
        (2, "0", ("at least one pixel",)),
        (4, foreign.b64(np.zeros(5, "f4")), ("expected 24 bytes in objects_conf",)),
        (8, foreign.b64(np.full((6, 4), np.nan, "f4")), ("finite numbers in boxes", "found 24")),
        (9, foreign.b64(np.zeros((6, 15), "f4")), ("features of 16 numbers", "found 15")),
    ],
)
def test_a_damaged_line_is_named(column, value, expected, convert, tmp_path, monkeypatch):
    monkeypatch.setattr(feature_rows, "SAMPLED", 1)  # the damage is met while writing
    lines = [foreign.lxmert_fields(str(i), REGIONS[i]) for i in IDS]
    lines[1][column] = value
    status = convert(foreign.write_tsv(tmp_path / "a.tsv", lines))
    assert_one_clear_line(status, "a.tsv, line 2", *expected)
    with pytest.raises(InputError, match="1 of 3 images"):
        FeaturesFile(tmp_path / "f.h5")


def test_a_file_that_is_cut_off_anywhere_is_refused(convert, tmp_path):
    whole = bottom_up_tsv(tmp_path / "a.tsv").read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    assert last < len(whole)
    for end in (last + 3, last + 20, len(whole) - 100, len(whole) - 4):
        (tmp_path / "cut.tsv").write_bytes(whole[:end])
        assert_one_clear_line(convert(tmp_path / "cut.tsv"), "line 3", "is the file cut off?")
    (tmp_path / "whole.tsv").write_bytes(whole.rstrip())
    assert convert(tmp_path / "whole.tsv") == 0


def test_inputs_of_other_kinds_are_refused(convert, tmp_path, monkeypatch):
    assert_one_clear_line(convert(tmp_path / "no.tsv"), "no such file or folder")
    (tmp_path / "empty").mkdir()
    assert_one_clear_line(convert(tmp_path / "empty"), "expected .npz files")
    unknown = foreign.write_npz(tmp_path / "npz", {str(IDS[0]): {"foo": 1, "bar": 2}})
    assert_one_clear_line(convert(unknown), "found bar, foo", "UNITER npz", "the original's")
    path = unknown / "val2014" / f"{IDS[0]}.npz"
    assert_one_clear_line(convert(path), "give the folder")
    path.write_bytes(path.read_bytes()[:100])
    assert_one_clear_line(convert(unknown), path, "damaged")
    with path.open("wb") as file:
        np.save(file, np.zeros(3))  # an .npy file by the name of .npz
    assert_one_clear_line(convert(unknown), path, "damaged or other")
    np.savez(path, x=np.array("base64"), bbox=np.array("base64"), image_h=1, image_w=1)
    assert_one_clear_line(convert(unknown), "expected numbers in bbox, found <U6")
    groups = FORMATS["vl-t5"](tmp_path)
    (tmp_path / "cut.h5").write_bytes(groups.read_bytes()[:2000])
    assert_one_clear_line(convert(tmp_path / "cut.h5"), "cut.h5", "damaged")
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file[str(IDS[0])] = np.zeros((3, 36, 2048))
    assert_one_clear_line(convert(tmp_path / "whole.h5"), "expected a group for each image")
    monkeypatch.setattr(feature_tsv, "LONGEST_LINE", 100)
    assert_one_clear_line(convert(bottom_up_tsv(tmp_path / "a.tsv")), "line 1", "columns")


def test_sizes_that_the_input_does_not_have_come_from_the_images(convert, tmp_path):
    original = FORMATS["original h5"](tmp_path)
    assert_one_clear_line(convert(original), "has no sizes of images", "--image_root")
    status = convert(original, image_root=tmp_path)
    assert_one_clear_line(status, f"{coco_name(IDS[2])}.jpg", "check --image_root")


def test_features_beyond_float16_are_refused(convert, tmp_path):
    regions = random_regions(6, seed=0)
    regions.features[0, 0] = 1e5
    path = lxmert_tsv(tmp_path / "a.tsv", {**REGIONS, IDS[1]: regions})
    assert_one_clear_line(convert(path, dtype="float16"), "line 2", "--dtype float32")
