"""Thumbnails of a split's images, as data URIs that a page embeds."""

import base64
import io
from collections.abc import Iterable

from PIL import Image

from preprocess.images_file import ImagesFile

LONGEST_SIDE = 160
JPEG_QUALITY = 80


def thumbnail_uri(images: ImagesFile, image_id: int, longest_side: int = LONGEST_SIDE) -> str:
    """Shrink an image to at most `longest_side` pixels; return it as the data URI of a JPEG.

    Raises:
        InputError: the image is not in the file, or its data are damaged.
    """
    image = Image.fromarray(images.read(image_id))
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")


def thumbnail_uris(images: ImagesFile, image_ids: Iterable[int]) -> dict[int, str]:
    """Return the thumbnail of each image by its id. Raises InputError likewise."""
    return {image_id: thumbnail_uri(images, image_id) for image_id in image_ids}
