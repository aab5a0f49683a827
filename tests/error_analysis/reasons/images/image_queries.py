"""Image queries made of captions alone."""

from error_analysis.queries.query import GroundTruth, Item, Query, Retrieved


def image_query(own: list[str], retrieved: list[str], image_id: int = 1) -> Query:
    """An image query with its own captions, and wrong ones retrieved in this order."""
    return Query(
        direction="i2t",
        index=0,
        item=Item(image_id),
        rank=float(len(retrieved)),
        lowest=len(retrieved),
        highest=len(retrieved),
        ground_truth=tuple(
            GroundTruth(Item(image_id, i, caption), 0.0, 10.0) for i, caption in enumerate(own)
        ),
        retrieved=tuple(
            Retrieved(Item(2, 100 + i, caption), 1.0, False) for i, caption in enumerate(retrieved)
        ),
    )


def caption_query(caption: str, image_id: int, retrieved: list[int]) -> Query:
    """A caption query of an image, and the images retrieved for it."""
    return Query(
        direction="t2i",
        index=0,
        item=Item(image_id, 7, caption),
        rank=float(len(retrieved)),
        lowest=len(retrieved),
        highest=len(retrieved),
        ground_truth=(GroundTruth(Item(image_id), 0.0, 10.0),),
        retrieved=tuple(Retrieved(Item(i), 1.0, i == image_id) for i in retrieved),
    )
