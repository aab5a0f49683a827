"""Small files of region features in other programs' formats, all of the same numbers."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

WIDTH, HEIGHT, DIM = 64, 48, 16
SIDES = np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])


@dataclass
class Regions:
    """What each format says in its own way: `boxes` (n, 4) float32, x1 y1 x2 y2 in pixels."""

    features: np.ndarray
    boxes: np.ndarray
    object_ids: np.ndarray
    scores: np.ndarray


def random_regions(n: int, seed: int) -> Regions:
    generator = np.random.default_rng(seed)
    corners = np.sort(generator.random((n, 2, 2)), axis=1).reshape(n, 4)
    return Regions(
        generator.random((n, DIM)).astype(np.float32),
        (corners * SIDES).astype(np.float32),
        generator.integers(0, 9, n),
        generator.permutation(n).astype(np.float32) / n,
    )


def b64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array)).decode()


def lxmert_fields(name: str, r: Regions) -> list[str]:
    labels = [b64(r.object_ids), b64(r.scores), b64(r.object_ids + 1), b64(r.scores / 2)]
    n = str(len(r.boxes))
    return [name, str(HEIGHT), str(WIDTH), *labels, n, b64(r.boxes), b64(r.features)]


def bottom_up_fields(name: str, r: Regions) -> list[str]:
    return [name, str(WIDTH), str(HEIGHT), str(len(r.boxes)), b64(r.boxes), b64(r.features)]


def shilrley_fields(name: str, r: Regions) -> list[str]:
    """float64 boxes, and bytes as str() writes them."""
    boxes, features = (f"b'{b64(a)}'" for a in (r.boxes.astype(np.float64), r.features))
    return [name, str(WIDTH), str(HEIGHT), str(len(r.boxes)), boxes, features]


def write_tsv(path: Path, lines: Iterable[list[str]], end: str = "\r\n") -> Path:
    path.write_bytes("".join("\t".join(fields) + end for fields in lines).encode())
    return path


def original_arrays(r: Regions) -> dict:
    """Centres and sizes, horizontal ones over the height: the original's own computation."""
    x1, y1, x2, y2 = r.boxes.T.astype(np.float64)
    columns = ((x1 + x2) / 2 / HEIGHT, (y1 + y2) / 2 / WIDTH, (x2 - x1) / HEIGHT, (y2 - y1) / WIDTH)
    return {"visual_feats": r.features, "visual_pos": np.stack(columns, axis=1)}


def port_arrays(r: Regions) -> dict:
    return {
        "obj_ids": r.object_ids,
        "obj_probs": r.scores,
        "attr_ids": r.object_ids + 1,
        "attr_probs": r.scores / 2,
        "boxes": r.boxes,
        "sizes": np.array([600, 800]),
        "preds_per_image": np.array(len(r.boxes)),
        "roi_features": r.features,
        "normalized_boxes": r.boxes / SIDES,
    }


def batched_port_arrays(r: Regions) -> dict:
    return {key: array[None] for key, array in port_arrays(r).items()}


def normalized_port_arrays(r: Regions) -> dict:
    return {key: array for key, array in port_arrays(r).items() if key != "boxes"}


def bottom_up_arrays(r: Regions) -> dict:
    """With MILVLG's `info`, a pickled dictionary."""
    info = {"objects_id": r.object_ids, "objects_conf": r.scores}
    sizes = {"num_bbox": len(r.boxes), "image_h": HEIGHT, "image_w": WIDTH}
    return {"x": r.features, "bbox": r.boxes, **sizes, "info": info}


def openvqa_arrays(r: Regions) -> dict:
    arrays = bottom_up_arrays(r)
    del arrays["info"]
    return {**arrays, "x": r.features.T}


def uniter_arrays(r: Regions) -> dict:
    boxes = r.boxes / SIDES
    boxes = np.concatenate((boxes, boxes[:, 2:] - boxes[:, :2]), axis=1)
    arrays = {"norm_bb": boxes, "features": r.features, "conf": r.scores[:, None]}
    return {key: array.astype(np.float16) for key, array in arrays.items()}


def vlt5_arrays(r: Regions) -> dict:
    labels = {"obj_id": r.object_ids, "obj_conf": r.scores}
    labels |= {"attr_id": r.object_ids + 1, "attr_conf": r.scores / 2}
    return {"features": r.features, "boxes": r.boxes, "img_w": WIDTH, "img_h": HEIGHT, **labels}


def write_npz(folder: Path, images: dict[str, dict]) -> Path:
    for name, arrays in images.items():
        path = folder / "val2014" / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)
    return folder


def write_groups(path: Path, images: dict[str, dict]) -> Path:
    with h5py.File(path, "w") as file:
        for name, arrays in images.items():
            group = file.create_group(name)
            for key, array in arrays.items():
                group[key] = array
    return path


IDS = (391895, 60623, 184613)
REGIONS = {image_id: random_regions(6, seed=image_id) for image_id in IDS}


def coco_name(image_id: int) -> str:
    return f"COCO_val2014_{image_id:012d}"


def lxmert_tsv(path, regions=REGIONS, **others):
    """In another order than the split's, and with an image that it does not have."""
    images = {**others, **{coco_name(i): regions[i] for i in reversed(regions)}}
    return write_tsv(path, (lxmert_fields(*image) for image in images.items()))


def bottom_up_tsv(path, ids=IDS):
    lines = (bottom_up_fields(str(i), REGIONS[i]) for i in ids)
    return write_tsv(path, lines)


def named(arrays, name=str) -> dict:
    return {name(i): arrays(regions) for i, regions in REGIONS.items()}


FORMATS = {
    "lxmert": lambda p: lxmert_tsv(p / "obj36.tsv", COCO_val2014_000000000001=REGIONS[IDS[0]]),
    "bottom-up": lambda p: bottom_up_tsv(p / "trainval.tsv.0"),
    "shilrley": lambda p: write_tsv(
        p / "b.csv", (shilrley_fields(str(i), REGIONS[i]) for i in IDS)
    ),
    "original h5": lambda p: write_groups(p / "test_img_frcnn_feats.h5", named(original_arrays)),
    "original npz": lambda p: write_npz(p / "npz", named(original_arrays)),
    "port": lambda p: write_groups(p / "g.h5", named(port_arrays)),
    "batched port": lambda p: write_groups(p / "g.h5", named(batched_port_arrays)),
    "port without pixels": lambda p: write_npz(p / "npz", named(normalized_port_arrays)),
    "bottom-up npz": lambda p: write_npz(p / "npz", named(bottom_up_arrays, coco_name)),
    # Its files keep the image's suffix: val2014/COCO_val2014_000000391895.jpg.npz.
    "openvqa": lambda p: write_npz(
        p / "npz", named(openvqa_arrays, lambda i: f"{coco_name(i)}.jpg")
    ),
    "uniter": lambda p: write_npz(p / "npz", named(uniter_arrays, lambda i: coco_name(i).lower())),
    "vl-t5": lambda p: write_groups(p / "g.h5", named(vlt5_arrays, coco_name)),
}
