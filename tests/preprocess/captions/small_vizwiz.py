"""VizWiz-Captions in small: its format, with the oddities of the real files."""

import json
from pathlib import Path

PRECANNED = "Quality issues are too severe to recognize visual content."
FIRST_ID = {"train": 0, "val": 23431, "test": 31181}


def vizwiz_content(split: str, captions: list[list[str | dict]]) -> dict:
    """The content of `{split}.json`: a list of captions an image, as text or with other fields.

    The precanned sentence is marked so, unless a caption's fields say otherwise; every second
    image shows text. Test has no annotations.
    """
    images, annotations = [], []
    for number, own in enumerate(captions):
        image_id = FIRST_ID[split] + number
        name = f"VizWiz_{split}_{number:08d}.jpg"
        url = f"https://ivc.ischool.utexas.edu/VizWiz_visualization_img/{name}"
        shows_text = number % 2 == 0
        images.append(
            {"file_name": name, "vizwiz_url": url, "id": image_id, "text_detected": shows_text}
        )
        for place, caption in enumerate(own):
            fields = caption if isinstance(caption, dict) else {"caption": caption}
            marks = {"is_precanned": fields["caption"] == PRECANNED, "is_rejected": False}
            ids = {"image_id": image_id, "id": 5 * image_id + place, "text_detected": shows_text}
            annotations.append({**marks, **ids, **fields})
    content = {"info": {"description": "small"}, "images": images}
    return content if split == "test" else {**content, "annotations": annotations}


def write_vizwiz(path: Path, split: str, captions: list[list[str | dict]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(vizwiz_content(split, captions)), "utf-8")
    return path
