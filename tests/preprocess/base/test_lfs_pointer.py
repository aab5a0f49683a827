"""Git LFS pointers in the place of files."""

import pytest

from information_retrieval.ranking.npz_file import read_npz
from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.lfs_pointer import check_no_pointer
from preprocess.captions.legacy import read_caption_pt
from preprocess.conversion.feature_sources import iterate_images
from preprocess.detector.weights import load_detector
from preprocess.storage.decoding import read_encoded
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 605247071\n"


def test_a_pointer_is_named_with_what_to_do_and_other_files_pass(tmp_path):
    (tmp_path / "weights.bin").write_text(POINTER)
    (tmp_path / "notes.txt").write_text("version of the weights")
    check_no_pointer(tmp_path / "notes.txt")
    for path in (tmp_path, tmp_path / "weights.bin"):
        with pytest.raises(InputError, match=r"weights\.bin: .* a Git LFS pointer .*git lfs pull"):
            check_no_pointer(path)


@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_json(path, "make it"),
        lambda path: read_npz(path, "rankings", "make it"),
        ImagesFile,
        FeaturesFile,
        lambda path: list(iterate_images(path)),
        read_encoded,
    ],
)
def test_every_reader_calls_it_so(tmp_path, read):
    (tmp_path / "file").write_text(POINTER)
    with pytest.raises(InputError, match="file: expected the file itself, found a Git LFS pointer"):
        read(tmp_path / "file")


def test_readers_of_pickles_and_of_detectors_call_it_so(tmp_path):
    (tmp_path / "c.pt").write_text(POINTER)
    with pytest.raises(InputError, match="Git LFS pointer"):
        read_caption_pt(tmp_path / "c.pt")
    (tmp_path / "d.pth").write_text(POINTER)
    with pytest.raises(InputError, match="Git LFS pointer"):
        load_detector(str(tmp_path / "d.pth"))
