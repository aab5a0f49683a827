"""X-VLM's JSON lines."""

import base64
import io

import pytest
from PIL import Image

from preprocess.base.errors import InputError
from preprocess.region_phrases.image_choice import ImageChoice
from preprocess.region_phrases.json_lines import (
    JsonLines,
    check_no_visual_genome,
    json_lines_files,
    lines_images,
)
from preprocess.region_phrases.tally import Tally
from tests.preprocess.region_phrases.small_regions import element, split_of, write_lines

DOG = element("dog", [1, 2, 3, 4], attributes="brown")
NAME = "images/COCO_val2014_{:012d}.jpg"


def encoded(width: int, height: int, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, kind)
    return buffer.getvalue()


def read(*paths, image_root=None, unpack_images=None, split=None):
    tally = Tally()
    images, are_numbers = lines_images(json_lines_files(paths), tally)
    lines = JsonLines(image_root, unpack_images, tally)
    found = list(lines.read(images, ImageChoice(split, [], tally)))
    return found, are_numbers, tally.counts


def test_texts_may_be_one_or_many(tmp_path):
    many = element(["a dog", "dog"], [0.5, 0, 9, 9], attributes=["big", "brown"])
    line = {"elems": [DOG, many, element("cat", [0, 0, 1, 1])], "image_rpath": NAME.format(42)}
    path = write_lines(tmp_path / "a.json", {**line, "caption": ["one", "two"]})
    (image,), are_numbers, _ = read(path)
    assert not are_numbers
    assert (image.image_id, image.file_name) == (42, NAME.format(42))
    assert (image.height, image.width) == (0, 0)
    assert image.captions == ["one", "two"]
    assert [(r.box, list(r.phrases), list(r.attributes)) for r in image.regions] == [
        ([1, 2, 3, 4], ["dog"], ["brown"]),
        ([0.5, 0, 9, 9], ["a dog", "dog"], ["big", "brown"]),
        ([0, 0, 1, 1], ["cat"], []),
    ]


def test_the_lines_of_an_image_are_put_together(tmp_path):
    first = {"elems": [DOG], "image_rpath": NAME.format(7)}
    other = {"elems": [DOG], "image_rpath": NAME.format(8), "caption": "a caption"}
    again = {"elems": [DOG, DOG], "image_rpath": NAME.format(7), "caption": "of seven"}
    write_lines(tmp_path / "lines" / "b.json", again)
    write_lines(tmp_path / "lines" / "a.json", first, other)
    (tmp_path / "lines" / "a.json").open("a").write("\n")
    (seven, eight), _, _ = read(tmp_path / "lines")
    assert (seven.image_id, len(seven.regions), seven.captions) == (7, 3, ["of seven"])
    assert (eight.image_id, len(eight.regions), eight.captions) == (8, 1, ["a caption"])


@pytest.mark.parametrize("names", [["a.jpg", "b2.jpg"], ["x/1.jpg", "y/1.jpg"], ["1.jpg", "1.png"]])
def test_names_that_are_no_ids_are_numbered(tmp_path, names):
    lines = [{"elems": [DOG], "image_rpath": name} for name in names]
    images, are_numbers, _ = read(write_lines(tmp_path / "a.json", *lines))
    assert are_numbers
    assert [(i.image_id, i.file_name) for i in images] == list(enumerate(names, start=1))


def test_a_split_chooses_images_and_names_their_files(tmp_path):
    lines = [{"elems": [DOG], "image_rpath": NAME.format(i)} for i in (7, 8)]
    path = write_lines(tmp_path / "a.json", *lines)
    (image,), _, counts = read(path, split=split_of([8, 9]))
    assert image.file_name == "val2014/COCO_val2014_000000000008.jpg"
    assert counts == {"images that are not in the split train left out": 1}


def test_sizes_are_read_below_the_image_root(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / NAME.format(7)).write_bytes(encoded(30, 20))
    absolute = str(tmp_path / NAME.format(7))
    lines = [{"elems": [DOG], "image_rpath": name} for name in (absolute, NAME.format(8))]
    path = write_lines(tmp_path / "a.json", *lines)
    (seven, eight), _, counts = read(path, image_root=tmp_path)
    assert (seven.file_name, seven.height, seven.width) == (NAME.format(7), 20, 30)
    assert (eight.height, eight.width) == (0, 0)
    assert counts == {"images that cannot be opened": 1}
    for root in (None, tmp_path / "elsewhere"):
        with pytest.raises(InputError, match="starts at the root of the disk; pass the --image_r"):
            read(path, image_root=root)


def test_images_inside_their_lines_have_a_size_and_can_be_unpacked(tmp_path):
    files = [encoded(30, 20), encoded(5, 6, "PNG")]
    lines = [{"elems": [DOG], "binary": base64.b64encode(file).decode()} for file in files]
    path = write_lines(tmp_path / "a.json", *lines)
    images, are_numbers, counts = read(path)
    assert are_numbers
    assert [(i.height, i.width) for i in images] == [(20, 30), (6, 5)]
    assert list(counts.values()) == [2]
    images, _, counts = read(path, unpack_images=tmp_path / "out")
    assert counts == {}
    assert [image.file_name for image in images] == ["000000000001.jpg", "000000000002.png"]
    for image, file in zip(images, files, strict=True):
        assert (tmp_path / "out" / image.file_name).read_bytes() == file


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("lines", {}),
        ("lines", []),
        ("lines", {"elems": [DOG]}),
        ("lines", {"image_rpath": "1.jpg"}),
        ("lines", {"elems": {}, "image_rpath": "1.jpg"}),
        ("lines", {"elems": [], "image_rpath": 5}),
        ("regions", {"elems": [{"caption": "a"}], "image_rpath": "1.jpg"}),
        ("regions", {"elems": [{"bb": [1, 2, 3, 4]}], "image_rpath": "1.jpg"}),
        ("regions", {"elems": [5], "image_rpath": "1.jpg"}),
        ("images", {"elems": [DOG], "binary": "bm8gaW1hZ2U="}),
        ("images", {"elems": [DOG], "binary": "x"}),
    ],
)
def test_an_odd_line_is_left_out_and_counted_where_others_are_not(tmp_path, kind, line):
    if kind == "images":
        other = {"elems": [DOG], "binary": base64.b64encode(encoded(3, 3)).decode()}
    else:
        other = {"elems": [DOG], "image_rpath": "2.jpg"}
    path = write_lines(tmp_path / "a.json", line, other)
    images, _, counts = read(path, unpack_images=tmp_path / "out")
    assert [len(image.regions) for image in images if image.regions] == [1]
    assert counts == {f"{kind} of another format left out": 1}
    # A file of nothing else is refused, also beside one that is right.
    odd = write_lines(tmp_path / "odd.json", line, line)
    with pytest.raises(InputError, match=r"odd\.json: byte 0: .*; expected lines with") as error:
        read(path, odd)
    assert "\n" not in str(error.value)


def test_an_element_without_a_text_leaves_the_others_of_its_line(tmp_path):
    line = {"elems": [DOG, {"bb": [1, 1, 2, 2]}], "image_rpath": "7.jpg"}
    path = write_lines(tmp_path / "a.json", line)
    (image,), _, counts = read(path)
    assert [region.phrases for region in image.regions] == [["dog"]]
    assert counts == {"regions of another format left out": 1}


def test_a_file_is_right_where_its_right_regions_are_of_another_split(tmp_path):
    odd = {"elems": [{"caption": "a"}], "image_rpath": NAME.format(8)}
    path = write_lines(tmp_path / "a.json", {"elems": [DOG], "image_rpath": NAME.format(7)}, odd)
    (image,), _, counts = read(path, split=split_of([8]))
    assert (image.image_id, image.regions) == (8, [])
    assert counts["regions of another format left out"] == 1


def test_an_image_is_unpacked_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    binary = base64.b64encode(encoded(30, 20)).decode()
    path = write_lines(tmp_path / "a.json", {"elems": [DOG], "binary": binary})

    def cut(self, data):
        with self.open("wb") as file:
            file.write(data[:10])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.write_bytes", cut)
        with pytest.raises(KeyboardInterrupt):
            read(path, unpack_images=tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.jpg"))


@pytest.mark.parametrize("folder", ["VG_100K", "images/VG_100K_2"])
def test_images_of_visual_genome_are_told_by_their_folder(tmp_path, folder):
    lines = [{"elems": [DOG], "image_rpath": n} for n in (NAME.format(7), f"{folder}/42.jpg")]
    files = [write_lines(tmp_path / "a.json", *lines)]
    images, _ = lines_images(files, Tally())
    check_no_visual_genome(images[:1])
    with pytest.raises(
        InputError, match=rf"'{folder}/42\.jpg' is Visual Genome's.*--visual_genome"
    ):
        check_no_visual_genome(images)


def test_text_that_is_no_json_a_missing_file_and_an_empty_folder_are_one_line(tmp_path):
    (tmp_path / "a.json").write_text("[\n")
    with pytest.raises(InputError, match=r"byte 0: .*; expected lines"):
        read(tmp_path / "a.json")
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "b.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found none"):
        read(tmp_path / "empty")
