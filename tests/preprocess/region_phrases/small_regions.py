"""Small files of each format that regions come in, written as their publishers write them."""

import json
from pathlib import Path

from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from preprocess.region_phrases.region_file import ImageRegions, Region, write_regions

IMAGES = (
    ImageRegions(
        9,
        "train2014/COCO_train2014_000000000009.jpg",
        480,
        640,
        (
            Region((1.5, 2.25, 30.0, 40.5), ("a café", "the café's door"), ("red",)),
            Region((0, 0, 640, 480), ("room",)),
        ),
        ("a room — with a view",),
    ),
    ImageRegions(25, "VG_100K/25.jpg", 0, 0, (Region((10, 20, 5, 6), ("dog",)),)),
)
COCO_FOLDER = "val2014"


def write_small(path: Path, images=IMAGES, split: str = "train", **more) -> Path:
    """Write a region file of two images and three regions."""
    write_regions(path, images, dataset="tiny", split=split, source="a test", **more)
    return path


def split_of(ids, name: str = "train", folder: str = COCO_FOLDER) -> Split:
    images = tuple(
        CaptionedImage(i, f"{folder}/COCO_{folder}_{i:012d}.jpg", (Caption(i, "a caption"),))
        for i in ids
    )
    return Split("coco", name, "a test", images)


def write_split_of(path: Path, ids, name: str = "train") -> Path:
    write_split(path, split_of(ids, name))
    return path


def write_json_file(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    return path


def write_instances(path: Path) -> Path:
    """COCO's instances of images 42 (an object and a crowd), 73 (an object), 74 (none)."""

    def image(number: int) -> dict:
        name = f"COCO_{COCO_FOLDER}_{number:012d}.jpg"
        return {"license": 1, "file_name": name, "height": 100, "width": 200, "id": number}

    def annotation(number: int, image_id: int, category: int, box: list, crowd: int = 0) -> dict:
        return {
            "segmentation": [],
            "area": box[2] * box[3],
            "iscrowd": crowd,
            "image_id": image_id,
            "bbox": box,
            "category_id": category,
            "id": number,
        }

    content = {
        "info": {},
        "images": [image(42), image(73), image(74)],
        "annotations": [
            annotation(1, 73, 18, [10.5, 20.25, 50.0, 60.0]),
            annotation(2, 42, 62, [0.0, 0.0, 200.0, 100.01]),
            annotation(3, 42, 62, [5.0, 5.0, 90.0, 90.0], crowd=1),
        ],
        "categories": [
            {"supercategory": "animal", "id": 18, "name": "dog"},
            {"supercategory": "furniture", "id": 62, "name": "dining table"},
        ],
    }
    return write_json_file(path, content)


def vg_image(number: int, coco_id: int | None, folder: str = "VG_100K") -> dict:
    url = f"https://cs.stanford.edu/people/rak248/{folder}/{number}.jpg"
    ids = {"coco_id": coco_id, "flickr_id": None}
    return {"image_id": number, "url": url, "width": 800, "height": 600, **ids}


def vg_region(number: int, image_id: int, phrase: str, box: list) -> dict:
    sides = dict(zip(("x", "y", "width", "height"), box, strict=True))
    return {"region_id": number, "image_id": image_id, "phrase": phrase, **sides}


def vg_object(number: int, names: list, box: list, **more) -> dict:
    sides = dict(zip(("x", "y", "w", "h"), box, strict=True))
    return {"object_id": number, "names": names, "synsets": [], **sides, **more}


def write_visual_genome(folder: Path) -> Path:
    """Visual Genome of images 1 (no image of COCO), 2 (COCO's 42) and 3 (COCO's 73)."""
    images = [vg_image(1, None, "VG_100K_2"), vg_image(2, 42), vg_image(3, 73)]
    descriptions = [
        {
            "id": 1,
            "regions": [
                vg_region(11, 1, "the clock is green in colour", [421, 57, 82, 139]),
                vg_region(12, 1, "shade is along the street ", [-3, 338, 274, 192]),
            ],
        },
        {"id": 2, "regions": [vg_region(21, 2, "a walk sign", [463, 141, 43, 103])]},
        {"id": 3, "regions": [vg_region(31, 3, ". ", [1, 1, 5, 5])]},
    ]
    clock = [421, 91, 79, 339]
    objects = [
        {"image_id": 1, "objects": [vg_object(101, ["clock"], clock, merged_object_ids=[102])]},
        {"image_id": 2, "objects": [vg_object(201, ["sign", "walk sign"], [463, 141, 43, 103])]},
        {"image_id": 3, "objects": []},
    ]
    attributes = [
        {
            "image_id": 1,
            "attributes": [
                vg_object(101, ["clock"], clock, attributes=["green", "tall"]),
                vg_object(102, ["clock"], clock, attributes=["green", "old"]),
            ],
        },
        {"image_id": 2, "attributes": [vg_object(201, ["sign"], [463, 141, 43, 103])]},
        {"image_id": 3, "attributes": []},
    ]
    write_json_file(folder / "image_data.json", images)
    write_json_file(folder / "region_descriptions.json", descriptions)
    write_json_file(folder / "objects.json", objects)
    write_json_file(folder / "attributes.json", attributes)
    return folder


def write_lines(path: Path, *lines: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def element(caption, box, **more) -> dict:
    return {"caption": caption, "bb": box, **more}
