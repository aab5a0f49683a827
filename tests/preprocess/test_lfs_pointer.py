"""Git LFS pointers in the place of files."""

import pytest

from preprocess.detector.weights import load_detector
from preprocess.errors import InputError
from preprocess.legacy import read_caption_pt
from preprocess.lfs_pointer import check_no_pointer

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 605247071\n"


def test_a_pointer_is_named_with_what_to_do_and_other_files_pass(tmp_path):
    (tmp_path / "weights.bin").write_text(POINTER)
    (tmp_path / "notes.txt").write_text("version of the weights")
    check_no_pointer(tmp_path / "notes.txt")
    for path in (tmp_path, tmp_path / "weights.bin"):
        with pytest.raises(InputError, match=r"weights\.bin: .* a Git LFS pointer .*git lfs pull"):
            check_no_pointer(path)


def test_readers_of_pickles_and_of_detectors_call_it_so(tmp_path):
    (tmp_path / "c.pt").write_text(POINTER)
    with pytest.raises(InputError, match="Git LFS pointer"):
        read_caption_pt(tmp_path / "c.pt")
    (tmp_path / "d.pth").write_text(POINTER)
    with pytest.raises(InputError, match="Git LFS pointer"):
        load_detector(str(tmp_path / "d.pth"))
