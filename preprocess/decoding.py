"""Encoded image bytes (JPEG, PNG, ...) to RGB pixels."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from preprocess.errors import InputError

SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that exchange height and width
# Pillow reports damage as OSError, and damage inside a chunk as SyntaxError or ValueError.
DAMAGE = (OSError, SyntaxError, ValueError)
# Two lines on stderr for an image of half as many pixels as Pillow refuses. Once for the process,
# as `catch_warnings` is not for threads, which read headers.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def read_encoded(path: Path) -> bytes:
    """Read an image file's own bytes.

    Raises:
        InputError: the file does not exist or cannot be read.
    """
    with _reading(path):
        return path.read_bytes()


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
            sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            return (image.width, image.height) if sideways else (image.height, image.width)
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: no image's header ({error})") from error


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
            image = ImageOps.exif_transpose(opened)
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
