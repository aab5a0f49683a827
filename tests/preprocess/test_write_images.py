"""Image files to HDF5 and back to pixels."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from preprocess.base.errors import InputError
from preprocess.captions.annotations import read_karpathy
from preprocess.captions.split_file import Split, read_split, write_split
from preprocess.storage.decoding import decode_rgb
from preprocess.storage.images_file import ImagesFile
from preprocess.write_images import main
from tests.conftest import assert_one_clear_line, make_split, named, write_image_files


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(mode: str = "RGB") -> Image.Image:
    """A 6 x 4 image whose every pixel differs."""
    pixels = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "P", "RGBA", "1"])
def test_every_mode_is_read_as_rgb(mode):
    image = gradient(mode)
    decoded = decode_rgb(encode(image), "x")
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, np.asarray(image.convert("RGB")))


def test_cmyk_is_read_as_rgb():
    encoded = encode(gradient("CMYK"), "TIFF")
    np.testing.assert_array_equal(decode_rgb(encoded, "x"), np.asarray(gradient()))


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.array([[0, 257, 65535]], np.uint16)
    decoded = decode_rgb(encode(Image.fromarray(values)), "x")
    np.testing.assert_array_equal(decoded[0], [[0] * 3, [1] * 3, [255] * 3])


def test_an_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 270 degrees to display
    decoded = decode_rgb(encode(gradient(), "PNG", exif=exif), "x")
    np.testing.assert_array_equal(decoded, np.rot90(np.asarray(gradient()), k=3))


def test_a_cmyk_jpeg_is_read_as_rgb():
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    decoded = decode_rgb(encode(image.convert("CMYK"), "JPEG", quality=100), "x")
    assert np.abs(decoded.astype(int) - (200, 100, 50)).max() <= 2


def test_a_jpeg_with_an_exif_rotation_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 270 degrees to display
    plain = decode_rgb(encode(gradient(), "JPEG"), "x")
    turned = decode_rgb(encode(gradient(), "JPEG", exif=exif), "x")
    np.testing.assert_array_equal(turned, np.rot90(plain, k=3))


@pytest.mark.parametrize(
    ("pixels", "line"),
    [
        (np.full((2, 2), 0.5, np.float32), "found floating-point ones"),
        (np.full((2, 2), 70000, np.int32), "found values from 70000 to 70000"),
    ],
)
def test_pixels_that_do_not_tell_what_is_white_are_refused(pixels, line):
    with pytest.raises(InputError, match=line):
        decode_rgb(encode(Image.fromarray(pixels), "TIFF"), "x")


@pytest.mark.parametrize("cut", [0, 3, 100, 0.5, -20])
def test_a_truncated_jpeg_is_an_error_that_names_it(cut):
    encoded = encode(gradient().resize((64, 64)), "JPEG")
    cut = int(cut * len(encoded)) if isinstance(cut, float) else cut
    with pytest.raises(InputError, match=r"^cat\.jpg: expected a whole image file"):
        decode_rgb(encoded[:cut], "cat.jpg")


def test_the_file_has_the_bytes_of_the_images_and_is_hardly_larger(shared_data, tmp_path, run_main):
    split = read_karpathy(shared_data / "coco90" / "dataset_coco.json").splits["test"]
    root = shared_data / "coco90" / "images"
    write_split(tmp_path / "test.json", split)
    output = tmp_path / "test_images.h5"
    arguments = ["--split_file", tmp_path / "test.json", "--image_root", root, "--output", output]
    assert run_main(main, *arguments) == 0
    sources = [root / image.file_name for image in split.images]
    total = sum(path.stat().st_size for path in sources)
    assert total < output.stat().st_size <= 1.05 * total
    images = ImagesFile(output)
    for image, path in zip(split.images, sources, strict=True):
        assert images.read_encoded(image.image_id) == path.read_bytes()
        with Image.open(path) as source:
            expected = np.asarray(source.convert("RGB"))
        np.testing.assert_array_equal(images.read(image.image_id), expected)


@pytest.fixture
def small(tmp_path) -> Split:
    split = make_split(4)
    write_split(tmp_path / "train.json", split)
    write_image_files(tmp_path / "images", split)
    return split


@pytest.fixture
def write(small, tmp_path, run_main):
    """Write images.h5 of the small split."""
    given = ["--split_file", tmp_path / "train.json", "--image_root", tmp_path / "images"]
    return lambda *more: run_main(main, *given, "--output", tmp_path / "images.h5", *more)


def test_a_file_with_the_images_is_left_as_it_is(write, tmp_path, capsys):
    assert write() == 0
    inode = (tmp_path / "images.h5").stat().st_ino
    capsys.readouterr()
    assert write() == 0
    line = f"unchanged: {tmp_path / 'images.h5'}: 4 images (delete it to write anew)"
    assert line in capsys.readouterr().out
    assert (tmp_path / "images.h5").stat().st_ino == inode


def test_damage_within_the_file_is_found_and_mended_where_that_is_asked(write, small, tmp_path):
    assert write() == 0
    output = tmp_path / "images.h5"
    whole = output.read_bytes()
    place = whole.index((tmp_path / "images" / small.images[2].file_name).read_bytes())
    output.write_bytes(whole[: place + 50] + b"\0\0\0" + whole[place + 53 :])
    assert write() == 0
    with pytest.raises(InputError, match="repeat the command that made the file with --verify"):
        ImagesFile(output).read_encoded(small.images[2].image_id)
    assert write("--verify") == 0
    assert output.read_bytes() == whole


@pytest.mark.parametrize("change", ["size", "order", "fewer", "cut"])
def test_a_file_with_other_images_is_written_anew(change, write, small, tmp_path):
    assert write() == 0
    images, output = list(small.images), tmp_path / "images.h5"
    if change == "size":
        with (tmp_path / "images" / images[1].file_name).open("ab") as file:
            file.write(b"more")
    elif change == "cut":
        output.write_bytes(output.read_bytes()[:-100])
    else:
        images = images[::-1] if change == "order" else images[:3]
        write_split(tmp_path / "train.json", Split("tiny", "train", "a test", tuple(images)))
    assert write() == 0
    found = ImagesFile(output)
    assert found.image_ids.tolist() == [image.image_id for image in images]
    for image in images:
        source = (tmp_path / "images" / image.file_name).read_bytes()
        assert found.read_encoded(image.image_id) == source


@pytest.mark.parametrize("damage", ["missing", "truncated", "text"])
def test_a_bad_image_stops_the_command_and_leaves_nothing(small, tmp_path, run_main, damage):
    path = tmp_path / "images" / small.images[2].file_name
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        path.write_text("not an image")
    status = run_main(
        main,
        "--split_file",
        tmp_path / "train.json",
        "--image_root",
        tmp_path / "images",
        "--output",
        tmp_path / "out" / "images.h5",
    )
    assert_one_clear_line(status, path)
    assert not list((tmp_path / "out").glob("*"))


def damage_two(split, folder):
    """A cut file and one that is missing, the first and the last of four."""
    cut, missing = (folder / "images" / split.images[i].file_name for i in (0, 3))
    cut.write_bytes(cut.read_bytes()[:-200])
    missing.unlink()
    return cut, missing


def test_every_bad_image_is_named_and_nothing_written(small, write, tmp_path):
    cut, missing = damage_two(small, tmp_path)
    status = write()
    assert_one_clear_line(status, "2 of 4 images", cut, missing, "no such image", "--skip_damaged")
    assert not (tmp_path / "images.h5").exists()


def test_bad_images_are_left_out_where_that_is_said(small, write, tmp_path, capsys):
    damage_two(small, tmp_path)
    assert write("--skip_damaged") == 0
    left = small.images[1:3]
    found = ImagesFile(tmp_path / "images.h5")
    assert found.image_ids.tolist() == [image.image_id for image in left]
    for image in left:
        source = (tmp_path / "images" / image.file_name).read_bytes()
        assert found.read_encoded(image.image_id) == source
    assert read_split(tmp_path / "train_without_skipped.json").images == left
    assert "warning: 2 of 4 images are damaged or missing" in capsys.readouterr().err


def test_a_wrong_image_root_is_one_line_however_many_images_there_are(small, tmp_path, run_main):
    given = ["--split_file", tmp_path / "train.json", "--image_root", tmp_path / "elsewhere"]
    status = run_main(main, *given, "--output", tmp_path / "x.h5", "--skip_damaged")
    assert_one_clear_line(status, "no such image, and none of the other 3", "--image_root")


def test_a_split_of_which_no_image_decodes_is_an_error(small, write, tmp_path):
    for image in small.images:
        (tmp_path / "images" / image.file_name).write_text("not an image")
    assert_one_clear_line(write("--skip_damaged"), "no image is left")
    assert not (tmp_path / "images.h5").exists()


def test_an_output_that_cannot_be_written_is_one_line(small, tmp_path, run_main):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "images.h5"
    arguments = ["--split_file", tmp_path / "train.json", "--image_root", tmp_path / "images"]
    status = run_main(main, *arguments, "--output", output)
    assert_one_clear_line(status, output, "cannot be written")


def test_no_threads_is_a_bad_option_that_leaves_nothing(small, tmp_path, run_main):
    arguments = ["--split_file", tmp_path / "train.json", "--image_root", tmp_path / "images"]
    arguments += ["--output", tmp_path / "out" / "images.h5", "--num_threads", 0]
    assert_one_clear_line(run_main(main, *arguments), "--num_threads: expected at least 1, found 0")
    assert not (tmp_path / "out").exists()


def test_the_names_of_a_splits_images_are_written_and_tell_another_split(write, small, tmp_path):
    write_split(tmp_path / "train.json", named(small, "train"))
    assert write() == 0
    assert ImagesFile(tmp_path / "images.h5").source_ids == [f"train_{n}" for n in range(4)]
    write_split(tmp_path / "train.json", named(small, "test"))
    assert write() == 0  # of the same ids and sizes, and written anew
    ImagesFile(tmp_path / "images.h5").check_split(named(small, "test"))


@pytest.fixture
def listed(small, tmp_path, run_main):
    """Write images.h5 of a list of images, [(id, file name), ...]."""

    def write(images, *more):
        entries = [{"id": i, "file_name": name, "height": 4} for i, name in images]
        content = {"info": {}, "images": entries, "categories": []}
        (tmp_path / "info.json").write_text(json.dumps(content), "utf-8")
        given = ["--image_info", tmp_path / "info.json", "--image_root", tmp_path / "images"]
        return run_main(main, *given, "--output", tmp_path / "images.h5", *more)

    return write


def test_images_without_captions_are_written_of_a_list(listed, small, tmp_path, capsys):
    images = [(image.image_id, image.file_name) for image in small.images[::-1]]
    assert listed(images) == 0
    found = ImagesFile(tmp_path / "images.h5")
    assert found.image_ids.tolist() == [image_id for image_id, _ in images]
    for image_id, name in images:
        assert found.read_encoded(image_id) == (tmp_path / "images" / name).read_bytes()
    assert listed(images) == 0
    assert "unchanged: " in capsys.readouterr().out
    assert listed([(f"photo {i}", name) for i, name in images]) == 0
    assert found.source_ids is None
    (tmp_path / "images.h5").unlink()
    assert listed([(f"photo {i}", name) for i, name in images]) == 0
    named_file = ImagesFile(tmp_path / "images.h5")
    assert named_file.source_ids == [f"photo {i}" for i, _ in images]
    assert named_file.image_ids.tolist() == [1, 2, 3, 4]


def test_of_a_list_too_damaged_images_are_left_out_and_no_split_is_written(
    listed, small, tmp_path, run_main
):
    (tmp_path / "images" / small.images[2].file_name).unlink()
    images = [(image.image_id, image.file_name) for image in small.images]
    assert_one_clear_line(listed(images), "1 of 4 images are damaged or missing")
    assert listed(images, "--skip_damaged") == 0
    assert len(ImagesFile(tmp_path / "images.h5")) == 3
    assert not [*tmp_path.glob("*_without_skipped.json")]
    split_file = ["--split_file", tmp_path / "train.json"]
    assert_one_clear_line(listed(images, *split_file), "pass exactly one of --split_file")
