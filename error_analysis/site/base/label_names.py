"""What labels of queries are called, in the addresses of the first page and in the index."""

from error_analysis.queries.query import Item

BOXES_NAME = "predicted boxes"  # of captions that a model predicts boxes for


def caption_or_image_name(kind: str) -> str:
    """Return what the captions of images of a kind are called: "hard by both"."""
    return kind if kind.startswith("hard") else f"hard {kind}"


def hub_name(item: Item) -> str:
    """Return what a document is called: "image 123" or "caption 5003"."""
    return f"image {item.image_id}" if item.caption_id is None else f"caption {item.caption_id}"


def group_name(group: str, kind: str) -> str:
    """Return what a group is called: "kitchen (words)"."""
    return f"{group} ({kind})"


def repair_name(outcome: str) -> str:
    """Return what becomes of a caption whose typo is repaired: "repaired: hard no longer"."""
    return f"repaired: {outcome}"


def confusion_name(in_image: str, instead: str) -> str:
    """Return what a confusion is called: "cat → dog", a cat in the image and a dog named."""
    return f"{in_image} → {instead}"
