"""All pairs of a split, scored block by block, of which the best of each query are kept."""

import numpy as np
from tqdm import tqdm

from information_retrieval.models.loaded_gallery import LoadedGallery
from information_retrieval.ranking.top_documents import TopDocuments
from information_retrieval.scoring.score_tiles import check_finite
from preprocess.captions.split_file import Split

BLOCK_IMAGES = 256


def top_of_all(loaded: LoadedGallery, gallery: Split, k: int) -> tuple[TopDocuments, TopDocuments]:
    """Score all pairs block by block; return the top captions of images and images of captions.

    Raises:
        InputError: a score is NaN or infinite.
    """
    n_images, n_captions = len(gallery.images), len(gallery.captions)
    captions = TopDocuments(n_images, n_captions, k)
    images = TopDocuments(n_captions, n_images, k)
    rows = np.arange(n_images)
    scorer = loaded.encode(rows)
    progress = tqdm(total=n_images * n_captions, desc="ranking", unit="pair", unit_scale=True)
    with progress:
        for start in range(0, n_images, BLOCK_IMAGES):
            band = rows[start : start + BLOCK_IMAGES]
            for columns in loaded.column_blocks:
                block = scorer.score(slice(start, start + len(band)), columns)
                check_finite(block, gallery.image_ids[band], gallery.caption_ids[columns])
                captions.update(band, columns, block)
                images.update(columns, band, block.T)
                progress.update(block.size)
    return captions, images
