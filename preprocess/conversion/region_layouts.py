"""Layouts of region features: which name holds what, by the program that wrote the file.

TSV (a line an image, without a header), and mappings from names to arrays (a .npz file or an HDF5
group an image). Read from the producers' own code:

- LXMERT TSV: `extract_coco_image.py` of airsplay/lxmert, and its PyTorch successor
  py-bottom-up-attention. Names are the image files' without suffix, COCO_val2014_000000391895.
- bottom-up-attention TSV: `generate_tsv.py` of peteanderson80/bottom-up-attention, names are
  COCO's integers; in PyTorch shilrley6/Faster-R-CNN-with-model-pretrained-on-Visual-Genome, whose
  boxes are float64 and whose base64 stands in b'...'.
- the original's .npz and `{split}_img_frcnn_feats.h5`: `generate_features.py` of its fork of the
  latter, and its `faster_to_h5.py`; boxes are centres and sizes over the wrong sides.
- the Hugging Face port of the detector (`unc-nlp/frcnn-vg-finetuned`), with or without the leading
  batch axis of 1. Its `sizes` are those of the resized input, so not used; its `boxes`, in pixels
  of the image, come before `normalized_boxes`, which it divides wrongly in batches.
- bottom-up-attention .npz: MILVLG/bottom-up-attention.pytorch, x (n, D), and OpenVQA's features,
  x (D, n). Its `info` is a pickle, which could run code, so labels and scores stay unknown.
- UNITER .npz: `generate_npz.py` of ChenRocks/BUTD-UNITER-NLVR2.
- VL-T5 HDF5: `tsv_to_h5.py` and detectron2 extractors of j-min/VL-T5.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from preprocess.base.errors import InputError
from preprocess.conversion.box_formats import BoxFormat

LABELS = ("object_ids", "object_scores", "attribute_ids", "attribute_scores")
UNKNOWN = {"object_ids": -1, "object_scores": 0, "attribute_ids": -1, "attribute_scores": 0}


@dataclass(frozen=True)
class Layout:
    """Names of a file's arrays.

    `sizes`: the names of the image's height and width; `labels`: those of `LABELS`, in order;
    `count`: that of the number of boxes. Empty: the file does not have them.
    """

    name: str
    features: str
    boxes: str
    box_format: BoxFormat
    sizes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    count: str = ""

    @property
    def keys(self) -> set[str]:
        """All names that are read where the file has them."""
        return {self.features, self.boxes, self.count, *self.sizes, *self.labels}

    def is_of(self, keys: Iterable[str]) -> bool:
        return {self.features, self.boxes, *self.sizes} <= set(keys)


LXMERT_TSV = Layout(
    "LXMERT TSV",
    "features",
    "boxes",
    "xyxy",
    ("img_h", "img_w"),
    ("objects_id", "objects_conf", "attrs_id", "attrs_conf"),
    "num_boxes",
)
BOTTOM_UP_TSV = Layout(
    "bottom-up-attention TSV", "features", "boxes", "xyxy", ("image_h", "image_w"), (), "num_boxes"
)
_PORT_LABELS = ("obj_ids", "obj_probs", "attr_ids", "attr_probs")
_PORT = "Hugging Face port"
# The first that is_of a file's names is taken.
ARRAY_LAYOUTS = (
    Layout("the original's", "visual_feats", "visual_pos", "cxcywh_over_hwhw"),
    Layout(f"{_PORT}, boxes", "roi_features", "boxes", "xyxy", (), _PORT_LABELS),
    Layout(
        f"{_PORT}, normalized_boxes",
        "roi_features",
        "normalized_boxes",
        "normalized_xyxy",
        (),
        _PORT_LABELS,
    ),
    Layout("bottom-up-attention npz", "x", "bbox", "xyxy", ("image_h", "image_w"), (), "num_bbox"),
    Layout("OpenVQA GQA npz", "x", "bbox", "xyxy", ("height", "width")),
    Layout("UNITER npz", "features", "norm_bb", "normalized_xyxy", (), ("", "conf")),
    Layout(
        "VL-T5 HDF5",
        "features",
        "boxes",
        "xyxy",
        ("img_h", "img_w"),
        ("obj_id", "obj_conf", "attr_id", "attr_conf"),
    ),
)


def layout_of(keys: Iterable[str], where: str) -> Layout:
    """Return the layout that a file's names belong to.

    Raises:
        InputError: to none; the line lists them and the known ones.
    """
    keys = list(keys)
    for layout in ARRAY_LAYOUTS:
        if layout.is_of(keys):
            return layout
    known = "; ".join(
        f"{', '.join((known.features, known.boxes, *known.sizes))} ({known.name})"
        for known in ARRAY_LAYOUTS
    )
    raise InputError(
        f"{where}: expected arrays of a known layout, found {', '.join(sorted(keys)) or 'none'}; "
        f"known are {known}; rename the arrays to one of them"
    )
