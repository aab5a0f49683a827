"""People of keypoints, as COCO's files have them."""

import json

import numpy as np

from error_analysis.reasons.images.people import KEYPOINTS, People, read_people

WIDTH, HEIGHT = 640, 480
# Somebody upright who looks at the camera, 40 wide and 100 high.
UPRIGHT = np.array([
    (20, 8), (23, 6), (17, 6), (26, 8), (14, 8), (32, 22), (8, 22), (38, 38), (2, 38),
    (38, 52), (2, 52), (28, 54), (12, 54), (28, 76), (12, 76), (28, 97), (12, 97),
], float)  # fmt: skip
BOX = (200.0, 100.0, 120.0, 300.0)


def keypoints_of(points, visible=range(17), labelled=range(17)) -> np.ndarray:
    """(17, 3) keypoints of points (17, 2), as COCO has them: 0, 0, 0 where not labelled."""
    kinds = np.zeros(17)
    kinds[list(labelled)] = 1
    kinds[[i for i in visible if i in labelled]] = 2
    return np.where(kinds[:, None] > 0, np.column_stack([points, kinds]), 0)


def annotation(image_id, points=UPRIGHT * 3 + BOX[:2], box=BOX, number=7, **which) -> dict:
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1,
        "bbox": list(box),
        "iscrowd": 0,
        "keypoints": keypoints_of(points, **which).ravel().tolist(),
    }


def write_keypoints(path, annotations=(), ids=(1, 2, 3), **changes):
    content = {
        "images": [{"id": i, "width": WIDTH, "height": HEIGHT} for i in ids],
        "categories": [{"id": 1, "name": "person", "keypoints": list(KEYPOINTS)}],
        "annotations": list(annotations),
    }
    path.write_text(json.dumps(content | changes))
    return path


def people_of(tmp_path, annotations, ids=None) -> People:
    ids = ids or sorted({a["image_id"] for a in annotations})
    return read_people([write_keypoints(tmp_path / "poses.json", annotations, ids)], ids)
