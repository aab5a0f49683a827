"""Whether rankings by generated captions and by human ones are of one model and the same images."""

from information_retrieval.ranking.rankings import Rankings
from preprocess.base.errors import InputError

# Of the metadata of rankings, what must be the same for their ranks to be of one model.
MADE_ALIKE = (
    "weights",
    "config_sha256",
    "dtype",
    "score",
    "negative_images",
    "images_sha256",
    "image_processor_sha256",
    "features_sha256",
)


def check_made_alike(human: Rankings, generated: Rankings) -> None:
    """Raise InputError unless one model, computing alike, ranked the same images for both.

    What the metadata of either do not tell, as in files of other code, is not compared.
    """
    where = human.metadata.get("path", "rankings")
    if human.image_ids.tolist() != generated.image_ids.tolist():
        raise InputError(
            f"{where}: expected the {len(generated.image_ids):,} images that the generated "
            f"captions are of, found {len(human.image_ids):,}, other ones or in another order; "
            "rank both with one --split and one --protocol"
        )
    own, other = human.metadata, generated.metadata
    unlike = [k for k in MADE_ALIKE if k in own and k in other and own[k] != other[k]]
    if unlike:
        raise InputError(
            f"{where}: made with other {', '.join(unlike)} than the rankings of the generated "
            "captions; rank both with one model and the same options"
        )
