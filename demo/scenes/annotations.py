"""The miniature COCO's annotation files, with the keys of the real ones."""

from dataclasses import dataclass

from demo.scenes.captions import Caption
from demo.scenes.scenes import CATEGORIES, Scene

_CATEGORY_IDS = {name: index for index, name in enumerate(CATEGORIES, start=1)}
_LICENCE = {"id": 1, "name": "CC0 1.0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"}


@dataclass(frozen=True)
class Record:
    """An image of the data set: its ids, its split, what is drawn, and what is said of it."""

    image_id: int
    split: str
    scene: Scene
    captions: tuple[Caption, ...]
    caption_ids: tuple[int, ...]

    @property
    def folder(self) -> str:
        """The image folder; only the train split lies in train2014, as in COCO."""
        return "train2014" if self.split == "train" else "val2014"

    @property
    def file_name(self) -> str:
        """The file's name in its folder."""
        return f"COCO_{self.folder}_{self.image_id:012d}.jpg"


def captions_json(records: list[Record], seed: int) -> dict:
    """Return COCO's captions file; the annotations say "kind", and "intended" for typos too."""
    annotations = []
    for record in records:
        for caption_id, caption in zip(record.caption_ids, record.captions, strict=True):
            annotation = {"image_id": record.image_id, "id": caption_id, "caption": caption.text}
            annotations.append(annotation | _kind(caption))
    return _header(seed) | {"images": _images(records), "annotations": annotations}


def instances_json(records: list[Record], seed: int) -> dict:
    """Return COCO's instances file; boxes are x, y, width, height, "attribute" is the colour."""
    categories = [
        {"supercategory": category.supercategory, "id": _CATEGORY_IDS[name], "name": name}
        for name, category in CATEGORIES.items()
    ]
    annotations = [
        {
            "area": float(thing.box[2] * thing.box[3]),
            "iscrowd": 0,
            "image_id": record.image_id,
            "bbox": [float(value) for value in thing.box],
            "category_id": _CATEGORY_IDS[thing.category],
            "id": record.image_id * 10 + index,
            "attribute": thing.colour,
        }
        for record in records
        for index, thing in enumerate(record.scene.things)
    ]
    content = {"categories": categories, "images": _images(records), "annotations": annotations}
    return _header(seed) | content


def karpathy_json(records: list[Record]) -> dict:
    """Return Karpathy's ``dataset_coco.json``."""
    images = []
    for index, record in enumerate(records):
        sentences = [
            {
                "tokens": caption.text.lower().replace(",", "").replace(".", "").split(),
                "raw": caption.text,
                "imgid": index,
                "sentid": caption_id,
            }
            for caption_id, caption in zip(record.caption_ids, record.captions, strict=True)
        ]
        images.append(
            {
                "filepath": record.folder,
                "sentids": list(record.caption_ids),
                "filename": record.file_name,
                "imgid": index,
                "split": record.split,
                "sentences": sentences,
                "cocoid": record.image_id,
            }
        )
    return {"images": images, "dataset": "miniature COCO"}


def regions_lines(records: list[Record]) -> list[dict]:
    """Return the objects of X-VLM's region files, one an image: `elems` with box and texts.

    One phrase a kind of thing, such as "red house": with synonyms, half of the hard negatives of a
    batch would be right answers.
    """
    return [
        {
            "image_rpath": f"{record.folder}/{record.file_name}",
            "caption": [caption.intended for caption in record.captions],
            "elems": [
                {
                    "bb": [float(value) for value in thing.box],
                    "caption": thing.category,
                    "attributes": thing.colour,
                }
                for thing in record.scene.things
            ],
        }
        for record in records
    ]


def kinds_json(records: list[Record]) -> dict[str, dict[str, str]]:
    """Return ``{caption_id: {"kind", "intended"}}``, the ids as strings as JSON has them."""
    return {
        str(caption_id): {"kind": caption.kind, "intended": caption.intended}
        for record in records
        for caption_id, caption in zip(record.caption_ids, record.captions, strict=True)
    }


def _kind(caption: Caption) -> dict[str, str]:
    extra = {"intended": caption.intended} if caption.kind == "typo" else {}
    return {"kind": caption.kind} | extra


def _header(seed: int) -> dict:
    description = f"A miniature COCO of drawn scenes, seed {seed}"
    info = {
        "description": description,
        "version": "1.0",
        "year": 2014,
        "contributor": "demo.render",
    }
    return {"info": info, "licenses": [_LICENCE]}


def _images(records: list[Record]) -> list[dict]:
    return [
        {
            "license": _LICENCE["id"],
            "file_name": record.file_name,
            "height": record.scene.height,
            "width": record.scene.width,
            "id": record.image_id,
        }
        for record in records
    ]
