"""The images of a region file as a split, for what reads nothing of a split but its images."""

from preprocess.base.errors import InputError
from preprocess.captions.split_file import Caption, CaptionedImage, Split
from preprocess.region_phrases.region_file import RegionsFile


def images_as_split(regions: RegionsFile) -> Split:
    """Return the images in their order, each with a phrase of its first region as its caption.

    Raises:
        InputError: a file name that leaves the image root.
    """
    images = tuple(
        CaptionedImage(image_id, file_name, (Caption(row, regions.regions(row)[0].phrases[0]),))
        for row, (image_id, file_name) in enumerate(
            zip(regions.image_ids.tolist(), regions.file_names, strict=True)
        )
    )
    try:
        return Split(regions.dataset, regions.split, regions.source, images)
    except InputError as error:
        raise InputError(f"{regions.path}: {error}") from error
