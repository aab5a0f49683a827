"""Odd EXIF in whole images: the pixels are used, upright, whatever the tags hold."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from preprocess.storage.decoding import UPRIGHT_BY, decode_rgb, read_upright_size

# Of the tags that are odd here, Pillow warns.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")
ORIENTATION, X_RESOLUTION = 0x0112, 0x011A
# An entry of a TIFF directory: tag, type, count, and the bytes of its value.
Entry = tuple[int, int, int, bytes]
TURNED: Entry = (ORIENTATION, 3, 1, struct.pack("<H", 6))


def jpeg_with(entries: list[Entry]) -> bytes:
    """A 24 x 16 JPEG whose EXIF block is written by hand, so that nothing corrects it."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    table, body, start = struct.pack("<H", len(entries)), b"", 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in sorted(entries):
        field = value.ljust(4, b"\0")
        if len(value) > 4:
            field, body = struct.pack("<I", start + len(body)), body + value
        table += struct.pack("<HHI", tag, kind, count) + field
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + table + struct.pack("<I", 0) + body
    data = buffer.getvalue()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


PLAIN = decode_rgb(jpeg_with([]), "plain")  # (16, 24, 3)
UPRIGHT = np.rot90(PLAIN, -1)


@pytest.mark.parametrize(
    "odd",
    [
        (X_RESOLUTION, 2, 3, b"72\0"),  # text where a rational belongs
        (X_RESOLUTION, 10, 1, struct.pack("<ii", -1, 0)),
        (X_RESOLUTION, 5, 1, struct.pack("<II", 72, 0)),
        (0x0100, 2, 3, b"24\0"),
        (0x0103, 4, 1, struct.pack("<I", 2**32 - 1)),
        (0x9000, 11, 1, struct.pack("<f", 2.2)),
        (0x8769, 4, 1, struct.pack("<I", 2**31)),  # a directory far behind the end
        (0x927C, 7, 2**20, struct.pack("<I", 60)),
    ],
)
def test_one_odd_tag_leaves_a_photograph_whole_and_upright(odd, tmp_path):
    encoded = jpeg_with([TURNED, odd])
    np.testing.assert_array_equal(decode_rgb(encoded, "x"), UPRIGHT)
    (tmp_path / "x.jpg").write_bytes(encoded)
    assert read_upright_size(tmp_path / "x.jpg") == (24, 16)


@pytest.mark.parametrize(
    "orientation",
    [
        (ORIENTATION, 3, 1, struct.pack("<H", 0)),
        (ORIENTATION, 3, 1, struct.pack("<H", 9)),
        (ORIENTATION, 2, 2, b"6\0"),
        (ORIENTATION, 5, 1, struct.pack("<II", 6, 0)),
        (ORIENTATION, 12, 1, struct.pack("<d", float("nan"))),
    ],
)
def test_an_orientation_that_is_none_leaves_the_pixels_as_they_lie(orientation, tmp_path):
    encoded = jpeg_with([orientation])
    np.testing.assert_array_equal(decode_rgb(encoded, "x"), PLAIN)
    (tmp_path / "x.jpg").write_bytes(encoded)
    assert read_upright_size(tmp_path / "x.jpg") == (16, 24)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK"])
def test_every_orientation_is_turned_as_pillow_turns_it(orientation, mode):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    kind = "PNG" if mode == "P" else "JPEG"
    Image.fromarray(PLAIN).convert(mode).save(buffer, kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue()))).convert("RGB")
    np.testing.assert_array_equal(decode_rgb(buffer.getvalue(), "x"), np.asarray(expected))
    assert (orientation in UPRIGHT_BY) == (orientation > 1)


def test_whatever_exif_holds_pixels_that_decode_are_used(tmp_path):
    generator, turned = np.random.default_rng(1), 0
    for _ in range(400):
        entries = [TURNED, *(random_entry(generator) for _ in range(generator.integers(1, 5)))]
        encoded = bytearray(jpeg_with(entries))
        if generator.random() < 0.5:  # and bytes of the block itself
            end = 4 + int.from_bytes(encoded[4:6])
            for place in generator.integers(12, end, 3):
                encoded[place] = generator.integers(256)
        found = decode_rgb(bytes(encoded), "x")
        (tmp_path / "x.jpg").write_bytes(encoded)
        assert read_upright_size(tmp_path / "x.jpg") == found.shape[:2]
        candidates = [PLAIN, *(turn(PLAIN) for turn in TURNS)]
        assert any(np.array_equal(found, pixels) for pixels in candidates)
        turned += found.shape[0] == 24
    assert turned > 200


TURNS = [
    lambda pixels, n=n, flip=flip: np.rot90(pixels[:, ::-1] if flip else pixels, n)
    for n in range(4)
    for flip in (False, True)
]


def random_entry(generator: np.random.Generator) -> Entry:
    tags = [0x0100, 0x0101, 0x0103, X_RESOLUTION, 0x0132, 0x8769, 0x8825, 0x9000, 0x927C, 0xA005]
    value = generator.bytes(int(generator.choice([0, 1, 2, 4, 8, 12])))
    count = int(generator.choice([0, 1, 2, 3, 2**16, 2**32 - 1]))
    return int(generator.choice(tags)), int(generator.integers(0, 15)), count, value
