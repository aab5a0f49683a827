"""The files that the demo's Sx3HRe is trained on: X-VLM's, with images of the size that is read."""

import io
import shutil
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from demo.training.label_encoders import IMAGE_SIZE
from demo.training.xvlm_data import write_xvlm_data
from preprocess.storage.images_file import ImagesFile, write_images_file


def write_sx3hre_data(data_dir: Path, scene_dir: Path) -> None:
    """Write `train` and `minival` with their images, resized once as each step would, if absent.

    Args:
        scene_dir: of `render_training_scenes`.
    """
    source_dir = scene_dir.parent / "xvlm_data"
    write_xvlm_data(source_dir, scene_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    for split in ("train", "minival"):
        shutil.copy(source_dir / f"{split}.json", data_dir)
        output = data_dir / f"{split}_images.h5"
        if not output.exists():
            images = ImagesFile(source_dir / output.name)
            ids = tqdm(images.image_ids, f"resizing {split}", unit="image")
            write_images_file(output, images.image_ids, [_resized(images, i) for i in ids])


def _resized(images: ImagesFile, image_id: int) -> bytes:
    image = Image.fromarray(images.read(image_id))
    file = io.BytesIO()
    size = (IMAGE_SIZE, IMAGE_SIZE)
    image.resize(size, Image.Resampling.BICUBIC).save(file, "png", compress_level=1)
    return file.getvalue()
