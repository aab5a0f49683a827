"""Encodings files: round trips, interruptions, damage, and what is not gone on with."""

import pickle

import h5py
import numpy as np
import pytest

from preprocess.base.errors import InputError
from preprocess.storage.encodings_file import EncodingsFile, EncodingsWriter

ATTRIBUTES = {
    "encoder": "random",
    "weights_sha256": "sha256:0",
    "images_sha256": "1",
    "settings": '{"side": 8}',
}
IDS = np.array([30, 10, 20, 40])
ENCODINGS = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)


def open_writer(path, **changes) -> EncodingsWriter:
    arguments = {"image_ids": IDS, "shape": 5, "dtype": "float32", "attributes": ATTRIBUTES}
    return EncodingsWriter(path, **{**arguments, **changes})


def write_rows(path, *rows: int, finish: bool = False, **changes) -> None:
    with open_writer(path, **changes) as writer:
        for row in rows:
            writer.write(row, encodings=ENCODINGS[row])
        if finish:
            writer.finish()


def test_encodings_come_back_by_image_as_they_were_written(tmp_path):
    write_rows(tmp_path / "e.h5", 2, 0, 3, 1, finish=True)
    encodings = EncodingsFile(tmp_path / "e.h5")
    assert (encodings.width, encodings.dtype, len(encodings)) == (5, "float32", 4)
    assert encodings.image_ids.tolist() == IDS.tolist()
    assert {key: encodings.attributes[key] for key in ATTRIBUTES} == ATTRIBUTES
    for reader in (encodings, pickle.loads(pickle.dumps(encodings))):
        for image_id, expected in zip(IDS, ENCODINGS, strict=True):
            np.testing.assert_array_equal(reader.read(image_id), expected)


def test_float16_is_read_as_float32(tmp_path):
    write_rows(tmp_path / "e.h5", 0, 1, 2, 3, finish=True, dtype="float16")
    encodings = EncodingsFile(tmp_path / "e.h5")
    found = encodings.read(20)
    assert (encodings.dtype, found.dtype) == ("float16", np.float32)
    np.testing.assert_array_equal(found, ENCODINGS[2].astype(np.float16))


def test_a_number_too_large_for_float16_is_refused_and_its_image_is_named(tmp_path):
    with open_writer(tmp_path / "e.h5", dtype="float16") as writer:
        with pytest.raises(InputError, match=r"encodings of image 10 are infinite .*float32"):
            writer.write(1, encodings=np.full(5, 1e5))
        assert writer.missing_rows().tolist() == [0, 1, 2, 3]


def test_an_unfinished_file_is_refused_by_the_reader_and_gone_on_with_to_the_same_bytes(tmp_path):
    write_rows(tmp_path / "e.h5", 1, 2)
    with pytest.raises(InputError, match=r"found 2 of 4 images; repeat .*encode_images"):
        EncodingsFile(tmp_path / "e.h5")
    with open_writer(tmp_path / "e.h5") as writer:
        assert not writer.is_complete
        assert writer.missing_rows().tolist() == [0, 3]
    write_rows(tmp_path / "e.h5", 0, 3, finish=True)
    write_rows(tmp_path / "whole.h5", 0, 1, 2, 3, finish=True)
    assert (tmp_path / "e.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    with open_writer(tmp_path / "e.h5") as writer:
        assert writer.is_complete


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_ids": np.arange(4)}, "images"),
        ({"shape": 6}, r"shape \(images, numbers\)"),
        ({"shape": (5, 5)}, r"shape \(images, tokens, numbers\)"),
        ({"dtype": "float16"}, "dtype"),
        (
            {"attributes": {**ATTRIBUTES, "kind": "embedding"}},
            r"kind \(expected embedding, found v",
        ),
        ({"attributes": {**ATTRIBUTES, "encoder": "clip"}}, "encoder"),
        ({"attributes": {**ATTRIBUTES, "weights_sha256": "sha256:1"}}, "weights_sha256"),
        ({"attributes": {**ATTRIBUTES, "images_sha256": "2"}}, "images_sha256"),
        ({"attributes": {**ATTRIBUTES, "settings": '{"side": 9}'}}, "setting side"),
    ],
)
def test_a_file_of_another_encoder_or_other_images_is_not_gone_on_with(tmp_path, changes, said):
    write_rows(tmp_path / "e.h5", 0)
    with pytest.raises(InputError, match=f"made with other {said}.* delete it or choose another"):
        open_writer(tmp_path / "e.h5", **changes)


def test_a_changed_number_is_noticed_and_made_again_when_asked_to_verify(tmp_path):
    path = tmp_path / "e.h5"
    write_rows(path, 0, 1, 2, 3, finish=True)
    whole = path.read_bytes()
    with h5py.File(path, "r+") as file:
        file["encodings"][2, 4] += 1
    encodings = EncodingsFile(path)
    encodings.read(10)
    with pytest.raises(InputError, match="image 20 do not match their checksum"):
        encodings.read(20)
    del encodings
    with open_writer(path) as writer:
        assert writer.discard_damaged() == 0
        assert writer.discard_damaged(verify=True) == 1
        assert writer.missing_rows().tolist() == [2]
    write_rows(path, 2, finish=True)
    assert path.read_bytes() == whole


def test_exchanged_rows_are_noticed(tmp_path):
    write_rows(tmp_path / "e.h5", 0, 1, 2, 3, finish=True)
    with h5py.File(tmp_path / "e.h5", "r+") as file:
        for name in ("encodings", "checksums"):
            file[name][:2] = file[name][:2][::-1]
    with pytest.raises(InputError, match="image 30 do not match"):
        EncodingsFile(tmp_path / "e.h5").read(30)


def test_an_image_that_is_not_in_the_file_is_named(tmp_path):
    write_rows(tmp_path / "e.h5", 0, 1, 2, 3, finish=True)
    with pytest.raises(InputError, match=r"e\.h5: image 7 is not in the file"):
        EncodingsFile(tmp_path / "e.h5").read(7)


def test_tokens_come_back_by_image_and_half_a_file_is_gone_on_with_to_the_same_bytes(tmp_path):
    tokens = np.random.default_rng(1).normal(size=(4, 3, 5)).astype(np.float16)
    told = {"shape": (3, 5), "dtype": "float16", "attributes": {**ATTRIBUTES, "kind": "tokens"}}
    for name, parts in (("whole.h5", [range(4)]), ("parts.h5", [(2,), (0, 1, 3)])):
        for rows in parts:
            with open_writer(tmp_path / name, **told) as writer:
                for row in rows:
                    writer.write(row, encodings=tokens[row])
                if not len(writer.missing_rows()):
                    writer.finish()
    assert (tmp_path / "parts.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()
    found = EncodingsFile(tmp_path / "parts.h5")
    assert (found.kind, found.shape, found.width, found.dtype) == ("tokens", (3, 5), 5, "float16")
    for image_id, expected in zip(IDS, tokens, strict=True):
        assert found.read(image_id).dtype == np.float32
        np.testing.assert_array_equal(found.read(image_id), expected)


def test_a_file_of_before_there_were_kinds_has_vectors_and_is_gone_on_with(tmp_path):
    path = tmp_path / "e.h5"
    write_rows(path, 0)
    with h5py.File(path, "r+") as file:
        del file.attrs["kind"]
    write_rows(path, 1, 2, 3, finish=True)
    assert EncodingsFile(path).kind == "vector"
    with pytest.raises(InputError, match=r"other kind \(expected embedding, found vector\)"):
        open_writer(path, attributes={**ATTRIBUTES, "kind": "embedding"})


def test_a_reader_refuses_another_kind_or_encoder_and_names_both(tmp_path):
    write_rows(tmp_path / "e.h5", 0, 1, 2, 3, finish=True)
    found = EncodingsFile(tmp_path / "e.h5")
    assert (found.encoder, found.revision) == ("random", "sha256:0")
    found.check_made_by("vector")
    found.check_made_by("vector", "sha256:0")
    with pytest.raises(InputError, match=r"the kind tokens, found vector by random \(sha256:0\); "):
        found.check_made_by("tokens")
    with pytest.raises(
        InputError, match=r"the weights sha256:1, found vector by random \(sha256:0"
    ):
        found.check_made_by("vector", "sha256:1")


def test_numbers_of_more_axes_are_refused(tmp_path):
    write_rows(tmp_path / "e.h5", 0, 1, 2, 3, finish=True)
    with h5py.File(tmp_path / "e.h5", "r+") as file:
        del file["encodings"]
        file["encodings"] = np.zeros((4, 2, 2, 5), np.float32)
    with pytest.raises(
        InputError, match=r"\(N D or N T D\) of shape \(4, 2\), found \(4, 2, 2, 5\)"
    ):
        EncodingsFile(tmp_path / "e.h5")


def test_a_file_of_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file["encodings"] = ENCODINGS
    with pytest.raises(InputError, match="expected schema image_encodings version 1, found none"):
        EncodingsFile(tmp_path / "e.h5")


def test_images_of_other_names_are_not_gone_on_with(tmp_path):
    write_rows(tmp_path / "e.h5", 0, source_ids=["a", "b", "c", "d"])
    write_rows(tmp_path / "e.h5", 1, source_ids=["a", "b", "c", "d"])
    write_rows(tmp_path / "e.h5", 2)  # of a version that has no names
    with pytest.raises(InputError, match=r"e\.h5: exists, and was made with other images;"):
        open_writer(tmp_path / "e.h5", source_ids=["a", "b", "c", "x"])
    write_rows(tmp_path / "old.h5", 0)
    write_rows(tmp_path / "old.h5", 1, 2, 3, finish=True, source_ids=["a", "b", "c", "d"])
    assert EncodingsFile(tmp_path / "old.h5").source_ids is None
