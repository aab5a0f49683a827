"""Features files: round trips, workers, interruptions, damage."""

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.storage.features_file import ROW_DATASETS, FeaturesFile
from preprocess.storage.features_writer import FeaturesWriter
from tests.conftest import FEATURE_DIM, N_REGIONS, make_split, random_row, write_features

ATTRIBUTES = {"extractor": "random", "weights": "w", "weights_sha256": "0", "settings": "{}"}


def open_writer(path, n_images: int = 4, **changes) -> FeaturesWriter:
    arguments = {
        "image_ids": np.arange(10, 10 + n_images),
        "n_regions": N_REGIONS,
        "feature_dim": FEATURE_DIM,
        "dtype": "float32",
        "attributes": ATTRIBUTES,
    }
    return FeaturesWriter(path, **{**arguments, **changes})


def write_rows(path, n_rows: int, n_images: int = 4, finish: bool = False) -> list[dict]:
    generator = np.random.default_rng(0)
    rows = [random_row(generator) for _ in range(n_images)]
    with open_writer(path, n_images) as writer:
        for row in writer.missing_rows()[:n_rows]:
            writer.write(int(row), **rows[row])
        if finish:
            writer.finish()
    return rows


def test_features_come_back_as_they_were_written(tmp_path):
    rows = write_rows(tmp_path / "f.h5", n_rows=4, finish=True)
    features = FeaturesFile(tmp_path / "f.h5")
    assert (features.n_regions, features.feature_dim) == (N_REGIONS, FEATURE_DIM)
    assert features.image_ids.tolist() == [10, 11, 12, 13]
    assert features.attributes["extractor"] == "random"
    for image_id in (12, 10, 13, 11):
        read = features.read(image_id)
        for name, array in rows[image_id - 10].items():
            np.testing.assert_array_equal(read[name], array.astype(read[name].dtype))


def lose_row(path, row: int) -> None:
    """As a power cut leaves a row: marked done, and its data not on the disk."""
    with h5py.File(path, "r+") as file:
        file["visual_feats"][row] = 0


def test_rows_that_a_power_cut_lost_are_made_again_when_the_run_goes_on(tmp_path):
    rows = write_rows(tmp_path / "f.h5", n_rows=3)
    lose_row(tmp_path / "f.h5", 1)
    with open_writer(tmp_path / "f.h5") as writer:
        assert writer.discard_damaged() == 1
        assert writer.missing_rows().tolist() == [1, 3]
        for row in (1, 3):
            writer.write(row, **rows[row])
        writer.finish()
    features = FeaturesFile(tmp_path / "f.h5")
    np.testing.assert_array_equal(features.read(11)["visual_feats"], rows[1]["visual_feats"])


def test_a_finished_file_is_looked_through_only_to_verify_it(tmp_path):
    write_rows(tmp_path / "f.h5", n_rows=4, finish=True)
    lose_row(tmp_path / "f.h5", 2)
    with pytest.raises(InputError, match=r"image 12 do not match .* with --verify"):
        FeaturesFile(tmp_path / "f.h5").read(12)
    with open_writer(tmp_path / "f.h5") as writer:
        assert writer.discard_damaged() == 0
        assert writer.discard_damaged(verify=True) == 1
        assert writer.missing_rows().tolist() == [2]
    with pytest.raises(InputError, match="expected a complete file, found 3 of 4"):
        FeaturesFile(tmp_path / "f.h5")


def test_float16_halves_the_features(tmp_path):
    with open_writer(tmp_path / "f.h5", dtype="float16") as writer:
        for row in range(4):
            writer.write(row, **random_row(np.random.default_rng(row)))
        writer.finish()
    feats = FeaturesFile(tmp_path / "f.h5").read(12)["visual_feats"]
    expected = random_row(np.random.default_rng(2))["visual_feats"]
    assert feats.dtype == np.float16
    np.testing.assert_array_equal(feats, expected.astype(np.float16))


def test_features_too_large_for_float16_are_refused_and_their_image_is_named(tmp_path):
    row = random_row(np.random.default_rng(0))
    row["visual_feats"][1, 2] = 70_000
    with open_writer(tmp_path / "f.h5", dtype="float16") as writer:
        with pytest.raises(InputError, match=r"image 12 are infinite .* --dtype float32"):
            writer.write(2, **row)
        assert writer.missing_rows().tolist() == [0, 1, 2, 3]
    with open_writer(tmp_path / "g.h5") as writer:
        writer.write(2, **row)


def test_rows_outside_a_file_that_shrank_are_bad_input(tmp_path):
    write_rows(tmp_path / "f.h5", n_rows=4, finish=True)
    features = FeaturesFile(tmp_path / "f.h5")
    # The file is open when it shrinks, as HDF5 opens none that is too short.
    last = features.datasets["visual_feats"].id.get_chunk_info(3)
    os.truncate(tmp_path / "f.h5", last.byte_offset)
    with pytest.raises(InputError, match="found a damaged or truncated one"):
        features.read(13)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_regions_are_the_same_however_often_they_are_read(tmp_path, dtype):
    with open_writer(tmp_path / "f.h5", dtype=dtype) as writer:
        for row in range(4):
            writer.write(row, **random_row(np.random.default_rng(row)))
        writer.finish()
    expected = FeaturesFile(tmp_path / "f.h5")
    features = FeaturesFile(tmp_path / "f.h5")
    for reader in (features, features, pickle.loads(pickle.dumps(features))):
        for image_id in (12, 10, 13, 11):
            visual_feats, visual_pos = reader.read_regions(image_id)
            row = expected.read(image_id)
            assert visual_feats.dtype == dtype
            np.testing.assert_array_equal(visual_feats, row["visual_feats"])
            np.testing.assert_array_equal(visual_pos, row["visual_pos"])
            visual_feats[:] = -1  # what is returned is the caller's own


def test_regions_of_a_file_that_someone_compressed_are_read(tmp_path):
    write_rows(tmp_path / "f.h5", n_rows=4, finish=True)
    expected = FeaturesFile(tmp_path / "f.h5").read(12)["visual_feats"]
    with h5py.File(tmp_path / "f.h5", "r+") as file:
        feats = file["visual_feats"][:]
        del file["visual_feats"]
        file.create_dataset("visual_feats", data=feats, chunks=(1, *feats.shape[1:]), compression=9)
    features = FeaturesFile(tmp_path / "f.h5")
    for _ in range(2):
        np.testing.assert_array_equal(features.read_regions(12)[0], expected)


def test_an_incomplete_file_is_refused_by_the_reader_and_finished_by_the_writer(tmp_path):
    path = tmp_path / "f.h5"
    write_rows(path, n_rows=2)
    with pytest.raises(InputError, match="2 of 4 images"):
        FeaturesFile(path)
    with open_writer(path) as writer:
        assert writer.missing_rows().tolist() == [2, 3]
        with pytest.raises(InputError, match="2 of 4 images are missing"):
            writer.finish()
    write_rows(path, n_rows=4, finish=True)
    write_rows(tmp_path / "whole.h5", n_rows=4, finish=True)
    resumed, whole = FeaturesFile(path), FeaturesFile(tmp_path / "whole.h5")
    for image_id in whole.image_ids:
        for name, array in whole.read(image_id).items():
            np.testing.assert_array_equal(resumed.read(image_id)[name], array)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"image_ids": np.arange(4)}, "images"),
        ({"feature_dim": 8}, "shape"),
        ({"dtype": "float16"}, "dtype"),
        ({"attributes": {**ATTRIBUTES, "weights_sha256": "1"}}, "weights_sha256"),
    ],
)
def test_a_file_made_with_other_settings_is_not_gone_on_with(tmp_path, changes, what):
    write_rows(tmp_path / "f.h5", n_rows=2)
    with pytest.raises(InputError, match=f"made with other {what}"):
        open_writer(tmp_path / "f.h5", **changes)


def test_settings_that_differ_are_named_and_the_others_are_not(tmp_path):
    def with_settings(**settings):
        return {**ATTRIBUTES, "settings": json.dumps({"labels": ["cat"] * 1000, **settings})}

    path = tmp_path / "f.h5"
    with open_writer(path, attributes=with_settings(min_size=600, max_size=1000, names="a" * 90)):
        pass
    changed = with_settings(min_size=800, max_size=1000, names="b" * 90)
    with pytest.raises(InputError) as error:
        open_writer(path, attributes=changed)
    assert "other setting min_size (expected 800, found 600), setting names (" in str(error.value)
    assert not any(part in str(error.value) for part in ("labels", "max_size", "a" * 65, "\n"))


def test_a_discarded_row_makes_a_finished_file_incomplete_until_it_is_written(tmp_path):
    path = tmp_path / "f.h5"
    rows = write_rows(path, n_rows=4, finish=True)
    with open_writer(path) as writer:
        writer.discard(np.array([1, 3]))
        assert writer.missing_rows().tolist() == [1, 3]
    with pytest.raises(InputError, match="2 of 4 images"):
        FeaturesFile(path)
    with open_writer(path) as writer:
        for row in writer.missing_rows():
            writer.write(int(row), **rows[row])
        writer.finish()
    assert len(FeaturesFile(path)) == 4


def test_a_row_that_is_done_is_missing_while_it_is_written_anew(tmp_path):
    path = tmp_path / "f.h5"
    rows = write_rows(path, n_rows=4, finish=True)
    with open_writer(path) as writer:
        writer.write(1, **rows[3])
        assert len(writer.missing_rows()) == 0
    with pytest.raises(InputError, match="expected a complete file"):
        FeaturesFile(path)
    with open_writer(path) as writer:
        writer.finish()
    np.testing.assert_array_equal(
        FeaturesFile(path).read(11)["visual_feats"], rows[3]["visual_feats"]
    )


def test_more_regions_than_a_byte_counts_may_be_fillers(tmp_path):
    row = random_row(np.random.default_rng(0)) | {"n_fillers": 300}
    with open_writer(tmp_path / "f.h5", n_images=1) as writer:
        writer.write(0, **row)
        writer.finish()
    assert FeaturesFile(tmp_path / "f.h5").read(10)["n_fillers"] == 300


# Lines so long that the pipe is full, and the writer waits, long before its last row.
WRITE_UNTIL_KILLED = """
import sys, numpy as np
from preprocess.storage.features_writer import FeaturesWriter
with FeaturesWriter(sys.argv[1], np.arange(3000), 6, 16, "float32", {}) as writer:
    for row in writer.missing_rows():
        arrays = {name: row for name in sys.argv[2:]}
        writer.write(int(row), **arrays)
        print(str(row).ljust(1000), flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_file_that_is_gone_on_with(tmp_path):
    path = tmp_path / "f.h5"
    done = 0
    for n_reported in (1, 2, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_UNTIL_KILLED, path, *ROW_DATASETS],
            stdout=subprocess.PIPE,
        )
        for _ in range(n_reported):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with open_writer(path, n_images=3000, image_ids=np.arange(3000), attributes={}) as writer:
            finished = np.setdiff1d(np.arange(3000), writer.missing_rows())
        assert done + n_reported <= len(finished) < 3000
        done = len(finished)
    with h5py.File(path, "r") as file:
        for row in finished:
            assert (file["visual_feats"][row] == row).all()
            assert (file["visual_pos"][row] == row).all()


def read_in_worker(features: FeaturesFile, image_id: int, queue) -> None:
    queue.put((os.getpid(), features.read(image_id)["visual_feats"]))


@pytest.mark.long
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_one_reader_serves_the_parent_and_its_workers(tmp_path, start_method):
    split = make_split(3)
    write_features(tmp_path / "f.h5", split)
    features = FeaturesFile(tmp_path / "f.h5")
    expected = {int(i): features.read(i)["visual_feats"] for i in split.image_ids}
    context = multiprocessing.get_context(start_method)
    queue = context.Queue()
    workers = [
        context.Process(target=read_in_worker, args=(features, int(image_id), queue))
        for image_id in split.image_ids[:2]
    ]
    for worker in workers:
        worker.start()
    found = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert os.getpid() not in {pid for pid, _ in found}
    for _, feats in found:
        assert any(np.array_equal(feats, array) for array in expected.values())
    np.testing.assert_array_equal(
        features.read(split.image_ids[2])["visual_feats"], expected[int(split.image_ids[2])]
    )


def test_an_image_that_is_not_in_the_file_is_named(tmp_path):
    write_features(tmp_path / "f.h5", make_split(3))
    features = FeaturesFile(tmp_path / "f.h5")
    with pytest.raises(InputError, match=r"f\.h5: image 5 is not in the file"):
        features.read(5)
    with pytest.raises(InputError, match="image 5"):
        features.check_covers([100, 5])


def test_changed_data_do_not_pass_their_checksum(tmp_path):
    write_features(tmp_path / "f.h5", make_split(3))
    with h5py.File(tmp_path / "f.h5", "r+") as file:
        file["visual_pos"][1, 0, 0] += 0.25
    features = FeaturesFile(tmp_path / "f.h5")
    features.read(100)
    with pytest.raises(InputError, match="image 101 do not match their checksum"):
        features.read(101)
