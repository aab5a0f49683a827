"""Encoded image bytes (JPEG, PNG, ...) to RGB pixels."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from preprocess.base.errors import InputError
from preprocess.base.lfs_pointer import BEGINNING, check_no_pointer

SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange height and width
UPRIGHT_BY = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Pillow reports damage as OSError, and damage inside a chunk or tag as what it met there.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
)
# Two lines on stderr for an image of half as many pixels as Pillow refuses. Once for the process,
# as `catch_warnings` is not for threads, which read headers.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Likewise a line for each odd tag of EXIF, of which nothing but the orientation is used.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")


def read_encoded(path: Path) -> bytes:
    """Read an image file's own bytes.

    Raises:
        InputError: the file does not exist, cannot be read, or is a Git LFS pointer.
    """
    with _reading(path):
        encoded = path.read_bytes()
    if encoded.startswith(BEGINNING):
        check_no_pointer(path)
    return encoded


def size_of(path: Path) -> int:
    """Return how many bytes an image file has. Raises InputError as `read_encoded`."""
    with _reading(path):
        return path.stat().st_size


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such image; check --image_root") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def read_upright_size(path: Path) -> tuple[int, int]:
    """Return height and width of the image that `decode_rgb` makes, from the file's header.

    Of a TIFF file with an orientation, which Pillow applies by itself, they may be exchanged.

    Raises:
        InputError: the file cannot be read, or its header is damaged or of no known format.
    """
    try:
        with Image.open(path) as image:
            sideways = orientation_of(image) in SIDEWAYS
            return (image.width, image.height) if sideways else (image.height, image.width)
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: no image's header ({error})") from error


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1, upright, where EXIF does not tell.

    Of all that EXIF may hold, nothing but this tag is looked at, and nothing written anew (as
    `ImageOps.exif_transpose` does): cameras and editors leave odd tags in images that are whole.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    # Pillow's reader of EXIF raises whatever it meets: struct.error, TypeError, OverflowError ...
    except Exception:
        return 1
    return orientation if type(orientation) is int and orientation in UPRIGHT_BY else 1


def decode_rgb(encoded: bytes, name: str) -> np.ndarray:
    """Decode to (height, width, 3) uint8 RGB, upright.

    Greyscale, palette and CMYK images are converted as Pillow does, an alpha channel is dropped,
    16-bit values are scaled to 8 bits, and the EXIF orientation is applied.

    Args:
        name: what the error line calls the image, usually its path.

    Raises:
        InputError: the bytes are no image, or a truncated one; pixels are floating-point, of more
            than 16 bits, or more than Pillow takes for safe to decode.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as opened:
            opened.load()
            turn = UPRIGHT_BY.get(orientation_of(opened))
            image = opened if turn is None else opened.transpose(turn)
            if image.mode.startswith("I"):
                return _grey16_to_rgb(np.asarray(image), name)
            if image.mode == "F":
                raise InputError(
                    f"{name}: expected pixels of 8 or 16 bits, found floating-point ones, which "
                    "do not tell what is white; convert the image"
                )
            return np.array(image.convert("RGB"))
    except Image.DecompressionBombError as error:
        assert Image.MAX_IMAGE_PIXELS is not None, "without a limit nothing is over it"
        raise InputError(
            f"{name}: expected at most {2 * Image.MAX_IMAGE_PIXELS:,} pixels, found more "
            f"({error}); scale the image down"
        ) from error
    except DAMAGE as error:
        reason = "no known format" if "cannot identify" in str(error) else error
        raise InputError(
            f"{name}: expected a whole image file, found {len(encoded):,} bytes that do not "
            f"decode ({reason}); fetch it again"
        ) from error


def _grey16_to_rgb(grey: np.ndarray, name: str) -> np.ndarray:
    """Scale (height, width) integers to (height, width, 3) uint8, where Pillow clips them."""
    if grey.min() < 0 or grey.max() > 65535:
        raise InputError(
            f"{name}: expected pixels of 8 or 16 bits, found values from {grey.min()} to "
            f"{grey.max()}; convert the image"
        )
    return np.repeat((grey // 257).astype(np.uint8)[..., None], 3, axis=2)  # 65535 / 257 = 255
