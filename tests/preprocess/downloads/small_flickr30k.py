"""Karpathy's archive of a Flickr30k of four images, and the images' files."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

from preprocess.base.files import write_json
from preprocess.captions.annotations import read_karpathy
from tests.conftest import write_image_files

# The numbers are the photographs' at Flickr, in the order of Karpathy's file; imgid is another.
SPLIT_OF = {
    "8251604257": "train",
    "1000092795": "train",
    "1018148011": "val",
    "1007129816": "test",
}


def karpathy_content() -> dict:
    """`dataset_flickr30k.json` of these images, five captions each."""
    images = []
    for imgid, (photograph, split) in enumerate(SPLIT_OF.items()):
        sentences = [
            {"sentid": 5 * imgid + n, "raw": f"Caption {n} of {photograph}.", "imgid": imgid}
            for n in range(5)
        ]
        image = {"imgid": imgid, "filename": f"{photograph}.jpg", "split": split}
        images.append({**image, "sentences": sentences})
    return {"dataset": "flickr30k", "images": images}


def make_small_flickr30k(folder: Path, image_root: Path) -> tuple[bytes, Path]:
    """Write the images, the JSON and the archive's checksums; return the archive, and these."""
    folder.mkdir(parents=True)
    (folder / "dataset_flickr30k.json").write_text(json.dumps(karpathy_content()))
    for split in read_karpathy(folder / "dataset_flickr30k.json").splits.values():
        write_image_files(image_root, split)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("dataset_coco.json", "{}")
        file.write(folder / "dataset_flickr30k.json", "dataset_flickr30k.json")
    archive = buffer.getvalue()
    recorded = {"n_bytes": len(archive), "sha256": hashlib.sha256(archive).hexdigest()}
    write_json(folder / "checksums.json", {"caption_datasets.zip": recorded})
    return archive, folder / "checksums.json"
