"""What a function makes of many images, each decoded once, in threads."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from preprocess.storage.decoding import decode_rgb
from preprocess.storage.images_file import ImagesFile

Made = TypeVar("Made")
# Encoded images that wait for a thread: some MB.
READ_AHEAD = 32


def map_images(
    function: Callable[[np.ndarray], Made], images: ImagesFile, image_ids: Iterable[int]
) -> Iterator[tuple[int, Made]]:
    """Yield each image's id and what `function` makes of its pixels, in order.

    The file is read by the calling thread alone.

    Args:
        function: of (height, width, 3) uint8 RGB; called in threads.

    Raises:
        InputError: an image is not in the file, or its data are damaged.
    """

    def make(image_id: int, encoded: bytes) -> tuple[int, Made]:
        return image_id, function(decode_rgb(encoded, f"{images.path}, image {image_id}"))

    waiting: deque[Future[tuple[int, Made]]] = deque()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        for image_id in image_ids:
            waiting.append(threads.submit(make, image_id, images.read_encoded(image_id)))
            if len(waiting) > READ_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
