"""Small label files, in the formats of CxC and of ECCV Caption, for the split of `scored`."""

import json
from pathlib import Path

SITS = "caption,image,agg_score,sampling_method"
STS = "caption1,caption2,agg_score,sampling_method"
SIS = "image1,image2,agg_score,sampling_method"


def caption_name(caption_id: int) -> str:
    return f"COCO_val2014:sentid:{caption_id}"


def image_name(image_id: int) -> str:
    return f"COCO_val2014_{image_id:012}.jpg"


def write_sits(path: Path, rows: list[tuple[int, int, float]]) -> Path:
    """CxC's file of (caption id, image id, score)."""
    lines = [f"{caption_name(c)},{image_name(i)},{score},c2i_intrasim" for c, i, score in rows]
    path.write_text("\n".join([SITS, *lines]) + "\n")
    return path


def write_eccv(
    folder: Path, captions: dict[int, list[int]], images: dict[int, list[int]], name: str = "eccv"
) -> Path:
    """ECCV Caption's two files; returns the first."""
    first = folder / f"{name}_image_to_caption.json"
    first.write_text(json.dumps(captions))
    (folder / f"{name}_caption_to_image.json").write_text(json.dumps(images))
    return first
