"""Published recalls that an evaluation can be held against, each with its source and tolerance."""

from dataclasses import dataclass

from information_retrieval.ranking.protocols import Protocol

RECALLS = ("i2t_r1", "i2t_r5", "i2t_r10", "t2i_r1", "t2i_r5", "t2i_r10")
OPEN_CLIP = "open_clip's retrieval results"
ECCV_CAPTION = "eccv-caption's evaluation"
PAPER = "the paper's Table 1"
_FINE_TUNED = "runs/lxmert, fine-tuned as in REPRODUCTION.md"


@dataclass(frozen=True)
class Published:
    """Recalls on COCO's Karpathy test split.

    Attributes:
        protocol: under which they were measured.
        recalls: percent by metric name, some or all of `RECALLS`; i2t is text retrieval.
        tolerance: percentage points that a right evaluation may differ by.
        why: what that tolerance rests on.
        model: the hub id, or, of an LXMERT, what the checkpoint must be.
        options: of `evaluate`, beside the model and the protocol.
    """

    protocol: Protocol
    recalls: dict[str, float]
    tolerance: float
    why: str
    source: str
    model: str
    options: tuple[str, ...] = ()

    @property
    def is_hub_id(self) -> bool:
        """Whether `model` is what `--model_name_or_path` takes."""
        return self.model != _FINE_TUNED


def _recalls(*values: float) -> dict[str, float]:
    return dict(zip(RECALLS, values, strict=True))


_TOOLKITS = "toolkits agree within about 0.2"
_ONE_RUN = "one fine-tuning run; seeds and features of another extraction differ by so much"
_NEGATIVES = "not tried here: the original's half-precision scores break ties by chance"
_NEGATIVE_OPTIONS = ("--negative_images", "--dtype", "float16")

PUBLISHED = {
    "clip-vit-b32-5k": Published(
        "5k",
        _recalls(50.12, 75.00, 83.52, 30.44, 55.94, 66.87),
        0.4,
        _TOOLKITS,
        OPEN_CLIP,
        "openai/clip-vit-base-patch32",
    ),
    "clip-vit-b16-5k": Published(
        "5k",
        _recalls(52.42, 76.70, 84.62, 33.09, 58.42, 68.99),
        0.4,
        _TOOLKITS,
        OPEN_CLIP,
        "openai/clip-vit-base-patch16",
    ),
    "clip-vit-l14-5k": Published(
        "5k",
        _recalls(56.34, 79.38, 86.60, 36.51, 61.06, 71.13),
        0.4,
        _TOOLKITS,
        OPEN_CLIP,
        "openai/clip-vit-large-patch14",
    ),
    "clip-vit-l14-336-5k": Published(
        "5k",
        _recalls(57.94, 81.20, 87.92, 37.09, 61.62, 71.47),
        0.4,
        _TOOLKITS,
        OPEN_CLIP,
        "openai/clip-vit-large-patch14-336",
    ),
    "clip-vit-l14-5fold": Published(
        "5fold",
        _recalls(74.26, 92.82, 96.58, 55.44, 82.32, 90.15),
        0.4,
        _TOOLKITS,
        ECCV_CAPTION,
        "openai/clip-vit-large-patch14",
    ),
    "vilt-5k": Published(
        "5k",
        {"i2t_r1": 61.6, "t2i_r1": 43.0},
        0.6,
        "resizing differs between the authors' code and transformers",
        "ViLT's paper",
        "dandelin/vilt-b32-finetuned-coco",
    ),
    "paper-lxmert-1k": Published(
        "1k",
        _recalls(63.0, 90.9, 95.8, 55.4, 87.8, 94.9),
        3.0,
        _ONE_RUN,
        PAPER,
        _FINE_TUNED,
    ),
    "paper-lxmert-5k": Published(
        "5k",
        _recalls(36.5, 67.6, 79.4, 31.3, 62.0, 74.7),
        3.0,
        _ONE_RUN,
        PAPER,
        _FINE_TUNED,
    ),
    "paper-clip-1k": Published(
        "1k",
        _recalls(30.5, 56.6, 67.9, 24.8, 51.9, 64.2),
        2.0,
        _NEGATIVES,
        PAPER,
        "openai/clip-vit-base-patch32",
        _NEGATIVE_OPTIONS,
    ),
    "paper-clip-5k": Published(
        "5k",
        _recalls(13.7, 30.0, 39.9, 10.9, 26.1, 35.3),
        2.0,
        _NEGATIVES,
        PAPER,
        "openai/clip-vit-base-patch32",
        _NEGATIVE_OPTIONS,
    ),
}
