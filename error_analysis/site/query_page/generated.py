"""What a captioner says of the images, as the page of a query shows it beside why it is hard."""

from dataclasses import dataclass
from pathlib import Path

from captioning.results.results_file import read_results
from preprocess.captions.split_file import Split


@dataclass(frozen=True)
class GeneratedTexts:
    """A captioner's captions.

    Attributes:
        captioner: what the page calls it: the name of its folder.
        texts: of each image of the gallery, in order; None where the file has none.
    """

    captioner: str
    texts: tuple[str | None, ...]

    def to_json(self) -> dict:
        return {"captioner": self.captioner, "texts": list(self.texts)}


def read_generated(path: Path, split: Split, gallery: Split) -> tuple[GeneratedTexts, list[str]]:
    """Read captions in COCO's results format.

    Args:
        split: whose images the file may have.
        gallery: those of them that the report shows.

    Returns:
        them, and a line for each oddity that was worked around.

    Raises:
        InputError: no such file, another format, or captions of other images.
    """
    results = read_results(path, split, partial=True)
    texts = tuple(results.captions.get(image_id) for image_id in gallery.image_ids.tolist())
    n_missing = texts.count(None)
    told = [
        *(line for line in results.told() if "have no caption" not in line),
        *([f"{path}: {n_missing:,} images of the report have no caption"] if n_missing else []),
    ]
    return GeneratedTexts(path.resolve().parent.name, texts), told
