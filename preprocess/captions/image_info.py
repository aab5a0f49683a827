"""Images without captions: a JSON file that lists them, as COCO and VizWiz have it of their tests.

{"images": [{"id": 1, "file_name": "COCO_test2014_000000000001.jpg", ...}], ...}
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from preprocess.base.errors import InputError
from preprocess.base.files import read_json
from preprocess.base.ids import id_reader
from preprocess.captions.split_file import CaptionedImage, check_images

EXPECTED = 'expected {"images": [{"id": 1, "file_name": "1.jpg"}, ...]}'


@dataclass(frozen=True)
class ImageList:
    """Images in the order of their source, without captions: what an images file is made of.

    Attributes:
        split: a name for them.
    """

    split: str
    images: tuple[CaptionedImage, ...]

    @property
    def image_ids(self) -> np.ndarray:
        """(n_images,) int64."""
        return np.array([image.image_id for image in self.images], np.int64)

    @property
    def source_ids(self) -> list[str | None]:
        """As of a split."""
        return [image.source_id for image in self.images]


def read_image_info(path: Path) -> ImageList:
    """Read a list of images, such as COCO's image_info_test2014.json.

    Raises:
        InputError: it is missing, no such file, lists no image or one id twice, or a file name
            leaves the image root.
    """
    content = read_json(path, f"{EXPECTED}, as of COCO's image_info_test2014.json")
    try:
        entries = content["images"]
        image_id = id_reader([entry["id"] for entry in entries], "id")
        images = tuple(
            CaptionedImage(number, entry["file_name"], (), name)
            for entry in entries
            for number, name in [image_id(entry["id"])]
        )
        check_images("images", images)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no list of images ({type(error).__name__}: {error}); {EXPECTED}; a split "
            "file is read by --split_file"
        ) from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return ImageList(path.stem, images)
