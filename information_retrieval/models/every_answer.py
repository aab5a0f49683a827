"""Every question that has a known answer, asked of a checkpoint and the files of a split."""

from information_retrieval.models.arguments import DataArguments
from information_retrieval.models.checkpoint import (
    load_config,
    load_image_processor,
    load_tokenizer,
)
from information_retrieval.models.known_answers import (
    Answer,
    detector_answers,
    image_answers,
    pixel_answers,
    region_answers,
    same_pictures_answers,
    token_answers,
)
from preprocess.captions.split_file import read_split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile


def ask(name: str, data: DataArguments, split_name: str) -> list[Answer]:
    """Ask everything that is known of a checkpoint and the files of a split.

    The data are looked at first: a hub id may take a while.

    Raises:
        InputError: no such checkpoint or file, or an image of the split that is not in it.
    """
    split = read_split(data.split_file(split_name))
    image_ids = split.image_ids
    config = load_config(name)
    features_file, images_file = data.features_file(split_name), data.images_file(split_name)
    answers = token_answers(load_tokenizer(name, config.get_text_config().vocab_size), config)
    reads_features = config.model_type == "lxmert"
    if reads_features:
        features = FeaturesFile(features_file)
        features.check_split(split)
        answers += region_answers(features, image_ids) + detector_answers(features, config)
    if not reads_features or images_file.exists():
        images = ImagesFile(images_file)
        images.check_split(split)
        answers += image_answers(images, image_ids)
    if not reads_features:
        answers += pixel_answers(load_image_processor(name), config)
    elif images_file.exists():
        answers += same_pictures_answers(features, images, image_ids)
    return answers
