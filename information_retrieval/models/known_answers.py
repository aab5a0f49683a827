"""Questions with known answers, asked before long work: is a model given what it was trained on?

Wrong pixels, tokens or boxes do not stop a model; they lower its recalls, as the photographic
negatives that the original gave to CLIP. Each question here takes milliseconds.

An answer that is only likely warns where it is another; one that is sure stops, unless the user
knows better (`--wrong_answers warn`).
"""

import io
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from transformers import PreTrainedConfig

from information_retrieval.models.arguments import WrongAnswers
from information_retrieval.models.gallery_images import preprocess_image
from information_retrieval.models.tokenization import max_words
from information_retrieval.models.xvlm.captions import clean_caption
from preprocess.base.errors import InputError, InputWarning
from preprocess.storage.decoding import decode_rgb
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile

COLOUR = (200, 100, 50)  # red, green, blue: no two alike, and none its own negative
PIXEL_TOLERANCE = 0.01  # resizing and float16 constants; a grey level is 0.015 after normalisation
SENTENCE = "Two giraffes aren't near the doughnuts, 24 of them."
# What the published tokenizers make of it, by the model types that have their vocabularies.
BERT_UNCASED = (
    *(101, 2048, 21025, 27528, 7959, 2015, 4995, 1005, 1056, 2379, 1996, 23126, 24072, 2015),
    *(1010, 2484, 1997, 2068, 1012, 102),
)
# Of the sentence as X-VLM cleans it: "arent", no comma, no full stop; and without [SEP].
XVLM_UNCASED = (
    *(101, 2048, 21025, 27528, 7959, 2015, 4995, 2102, 2379, 1996, 23126, 24072, 2015),
    *(2484, 1997, 2068),
)
OPENAI_CLIP = (
    *(49406, 1237, 16949, 46441, 4318, 713, 2252, 518, 31124, 267, 273, 275, 539, 1180, 269),
    49407,
)
OPENAI_VOCABULARY = ("clip", 49408)
PUBLISHED_IDS = {
    ("lxmert", 30522): BERT_UNCASED,
    ("vilt", 30522): BERT_UNCASED,
    ("xvlm", 30522): XVLM_UNCASED,
    ("sx3hre", 30522): BERT_UNCASED,
    OPENAI_VOCABULARY: OPENAI_CLIP,
}
# Models that mostly have OpenAI's normalisation, by vocabulary or type, and why one may not.
WHOSE_NORMALISATION: dict[object, str] = {
    OPENAI_VOCABULARY: "as some CLIPs of LAION were trained with others",
    "xvlm": "but X-VLM's published ones are CLIP's, though Swin alone has ImageNet's",
}
OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
SAMPLED_IMAGES = 16
EXTRACTED = "preprocess.extract_features"  # the extractor that reads image files


@dataclass(frozen=True)
class Answer:
    """A question, the known answer to it, and the one that was found.

    `but` is empty for an answer that is sure; else it says why another one may be right.
    """

    question: str
    expected: str
    found: str
    is_right: bool
    but: str = ""

    def stops(self, wrong_answers: WrongAnswers) -> bool:
        """Whether nothing should begin with this answer."""
        return not (self.is_right or self.but or wrong_answers == "warn")


def check_answers(
    answers: Iterable[Answer], where: str, wrong_answers: WrongAnswers = "error"
) -> None:
    """Raise InputError for the first answer that is surely wrong, and warn of others.

    Args:
        where: the checkpoint or file that was asked; begins the line.
        wrong_answers: "warn" to only warn of those that are surely wrong, too.
    """
    for answer in answers:
        line = f"{where}: {answer.question}: expected {answer.expected}, found {answer.found}"
        if answer.stops(wrong_answers):
            raise InputError(
                f"{line}; `python -m information_retrieval.preflight` asks everything that is "
                "known; if it is right so, --wrong_answers warn goes on"
            )
        if not answer.is_right:
            warnings.warn(f"{line}{answer.but and f'; {answer.but}'}", InputWarning, stacklevel=2)


def pixel_answers(image_processor, config: PreTrainedConfig) -> list[Answer]:
    """Ask what becomes of a picture of one colour on its way from a file to the model.

    Red, green and blue must arrive in that order, scaled and normalised once: exchanged channels,
    negatives, and pixels scaled twice or never, all give other numbers. The normalisation is the
    checkpoint's own; that of a model with OpenAI's vocabulary is mostly OpenAI's, but some of
    LAION's were trained with another. X-VLM's is OpenAI's too; it and Sx3HRe read images of one
    size.

    Args:
        image_processor: the HF image processor of the checkpoint. One that gives patches, as
            SigLIP 2's NaFlex, is not asked.
    """
    file = io.BytesIO()
    Image.new("RGB", (96, 64), COLOUR).save(file, "png")
    pixels = preprocess_image(decode_rgb(file.getvalue(), "known picture"), image_processor)
    values = np.asarray(pixels["pixel_values"])  # (3, height, width)
    if values.ndim != 3:
        return []
    found = values[:, values.shape[1] // 2, values.shape[2] // 2]
    expected = _normalised(COLOUR, image_processor)
    answers = [
        Answer(
            f"red, green, blue {COLOUR} as the model reads them",
            _numbers(expected),
            _numbers(found),
            bool(np.abs(found - expected).max() <= PIXEL_TOLERANCE),
        )
    ]
    if config.model_type in ("xvlm", "sx3hre"):
        side = config.vision_config.image_size
        size = " x ".join(map(str, values.shape[1:]))
        is_right = values.shape[1:] == (side, side)
        question = "size of the images as the model reads them"
        answers.append(Answer(question, f"{side} x {side}", size, is_right))
    but = WHOSE_NORMALISATION.get(_vocabulary(config)) or WHOSE_NORMALISATION.get(config.model_type)
    if but:
        mean_and_std = [*image_processor.image_mean, *image_processor.image_std]
        published = [*OPENAI_MEAN, *OPENAI_STD]
        same = np.allclose(mean_and_std, published, atol=1e-6)
        question = "mean and standard deviation of the channels, OpenAI's"
        but = f"the checkpoint's own are used, {but}"
        answers.append(Answer(question, _numbers(published), _numbers(mean_and_std), same, but))
    return answers


def _vocabulary(config: PreTrainedConfig) -> tuple[str, int]:
    return config.model_type, config.get_text_config().vocab_size


def _normalised(colour: tuple[int, int, int], image_processor) -> np.ndarray:
    values = np.array(colour, np.float64)
    if image_processor.do_rescale:
        values *= image_processor.rescale_factor
        # EfficientNet's, and so ALIGN's: [-1, 1] instead of [0, 1].
        values -= float(getattr(image_processor, "rescale_offset", False) or 0)
    if image_processor.do_normalize:
        values = (values - image_processor.image_mean) / np.array(image_processor.image_std)
    if getattr(image_processor, "include_top", None):  # EfficientNet's again
        values /= image_processor.image_std
    return values


def token_answers(tokenizer, config: PreTrainedConfig) -> list[Answer]:
    """Ask for the ids of a sentence, where the published tokenizer of the vocabulary is known.

    Of an X-VLM with any vocabulary, for its ends: [CLS], and not the [SEP] of BERT's own tokenizer.
    """
    vocabulary, words = _vocabulary(config), max_words(config)
    published = PUBLISHED_IDS.get(vocabulary)  # None for one of its own, as the demo's models have
    if published is None and config.model_type != "xvlm":
        return []
    text = SENTENCE if words is None else clean_caption(SENTENCE, words)
    found, answers = tokenizer(text)["input_ids"], []
    if config.model_type == "xvlm":
        first, last = tokenizer.convert_ids_to_tokens([found[0], found[-1]])
        answers.append(
            Answer(
                "first and last token of a sentence",
                f"{tokenizer.cls_token} and no {tokenizer.sep_token}",
                f"{first} and {last}",
                first == tokenizer.cls_token and last != tokenizer.sep_token,
            )
        )
    if published is not None:
        question, expected = f"token ids of {SENTENCE!r}", list(published)
        answers.append(Answer(question, str(expected), str(found), found == expected))
    return answers


def image_answers(images: ImagesFile, image_ids: np.ndarray) -> list[Answer]:
    """Ask some images, first to last, for pixels of 0 to 255: not all of them black, 0 and 1."""
    brightest = [int(images.read(image_id).max()) for image_id in _sample(image_ids)]
    return [
        Answer(
            f"brightest pixel of {len(brightest)} images",
            "2 to 255",
            str(max(brightest)),
            max(brightest) > 1,
        )
    ]


def region_answers(features: FeaturesFile, image_ids: np.ndarray) -> list[Answer]:
    """Ask some images, first to last, for boxes x1 y1 x2 y2 in [0, 1] and features that differ."""
    boxes, varied = [], []
    for image_id in _sample(image_ids):
        visual_feats, visual_pos = features.read_regions(image_id)
        boxes.append(visual_pos)
        varied.append(bool(np.isfinite(visual_feats).all() and visual_feats.std() > 0))
    corners = np.concatenate(boxes)  # (n sampled * n_regions, 4)
    inside = bool(((corners >= 0) & (corners <= 1)).all())
    ordered = (corners[:, :2] <= corners[:, 2:]).all(axis=1).mean()
    low, high = corners.min(), corners.max()
    return [
        Answer("range of the boxes", "0 to 1", f"{low:.3f} to {high:.3f}", inside),
        Answer("boxes with x1 <= x2 and y1 <= y2", "100.0 %", f"{ordered:.1%}", bool(ordered == 1)),
        Answer(
            "images whose features are finite and differ",
            str(len(varied)),
            str(sum(varied)),
            all(varied),
        ),
    ]


def detector_answers(features: FeaturesFile, config: PreTrainedConfig) -> list[Answer]:
    """Ask whether the features are of the detector that the checkpoint was fine-tuned with.

    Where the checkpoint records none, as those of the hub, or the features come from a program that
    does not say, there is nothing to ask.
    """
    recorded = getattr(config, "detector_sha256", "")
    found = str(features.attributes["weights_sha256"])
    if not recorded or not found:
        return []
    question = "detector of the features, by the SHA-256 of its weights"
    return [Answer(question, recorded, found, found == recorded)]


def same_pictures_answers(
    features: FeaturesFile, images: ImagesFile, image_ids: np.ndarray
) -> list[Answer]:
    """Ask whether features were extracted from the files whose bytes the images file holds.

    Converted features do not record the files that they were made from, and are not asked.
    """
    if features.attributes["extractor"] != EXTRACTED:
        return []
    sample = _sample(image_ids)
    same = [
        int(features.read(image_id)["source_crc32"]) == zlib.crc32(images.read_encoded(image_id))
        for image_id in sample
    ]
    question = f"of {len(sample)} images, those whose features were extracted from the same file"
    return [Answer(question, str(len(sample)), str(sum(same)), all(same))]


def _sample(image_ids: np.ndarray) -> np.ndarray:
    """Return up to SAMPLED_IMAGES ids, evenly from the first to the last."""
    rows = np.linspace(0, len(image_ids) - 1, min(SAMPLED_IMAGES, len(image_ids)))
    return image_ids[rows.astype(int)]


def _numbers(values) -> str:
    return " ".join(f"{value:.3f}" for value in values)
