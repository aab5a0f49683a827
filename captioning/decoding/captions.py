"""Captions of images, by any captioner and any way of decoding."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from captioning.decoding.beam_search import beam_search
from captioning.decoding.search import Said, greedy_search, nucleus_search
from captioning.decoding.settings import Decoding
from captioning.models.loading import LoadedCaptioner
from preprocess.base.errors import InputError


@dataclass(frozen=True)
class GeneratedCaption:
    """What a captioner says of an image.

    Attributes:
        token_ids: without beginning and end.
        text: words with one space between.
        log_probability: natural logarithm, of all words and of the end if it was said.
        ended: whether the captioner ended it; otherwise it was cut at the limit.
    """

    token_ids: tuple[int, ...]
    text: str
    log_probability: float
    ended: bool


def check_tokens(captioner: LoadedCaptioner, option: str, value: int) -> None:
    """Raise InputError where a captioner has no positions for so many words of a caption.

    Args:
        option: its name, which asks for them.
    """
    most = captioner.most_tokens
    if most is not None and value > most:
        before = "a prompt" if captioner.reads == "pixels" else "an image"
        raise InputError(
            f"--{option} {value}: {captioner.name} has positions for {max(most, 0)} words (pieces) "
            f"after {before}, the end counted; give fewer"
        )


def check_decoding(captioner: LoadedCaptioner, decoding: Decoding) -> None:
    """Raise InputError for a setting that a captioner has no room for, or cannot heed."""
    check_tokens(captioner, "max_tokens", decoding.max_tokens)
    if not decoding.say_unknown and captioner.vocabulary.unknown_id is None:
        raise InputError(
            f"--say_unknown: {captioner.name} knows every word, by its pieces; leave it out"
        )


@torch.inference_mode()
def caption_images(
    captioner: LoadedCaptioner,
    batches: Iterable[Tensor],
    decoding: Decoding,
    generator: torch.Generator | None = None,
) -> Iterator[GeneratedCaption]:
    """Say what is on images, one after another.

    Args:
        batches: of what the captioner reads: encodings, or pixels as its image processor makes
            them, (n, ...); moved to where the model is. How they are cut into batches changes a
            caption by rounding at most.
        generator: on the CPU, of the method nucleus, which needs one.

    Yields:
        A caption of each image, in their order.

    Raises:
        InputError: encodings of another shape than the captioner reads.
    """
    for images in batches:
        for said in _say(captioner, images.to(captioner.device), decoding, generator):
            text = captioner.vocabulary.decode(said.token_ids)
            yield GeneratedCaption(said.token_ids, text, said.log_probability, said.ended)


def _say(
    captioner: LoadedCaptioner,
    images: Tensor,
    decoding: Decoding,
    generator: torch.Generator | None,
) -> list[Said]:
    model, words, limit = captioner.model, captioner.vocabulary, decoding.max_tokens
    unsaid = words.unsaid
    if not decoding.say_unknown and words.unknown_id is not None:
        unsaid = (*unsaid, words.unknown_id)
    if decoding.method == "greedy":
        return greedy_search(model, images, words.end_id, limit, unsaid)
    if decoding.method == "nucleus":
        assert generator is not None, "nucleus draws by a generator"
        return nucleus_search(model, images, words.end_id, limit, decoding.top_p, generator, unsaid)
    beams, penalty = decoding.num_beams, decoding.length_penalty
    found = beam_search(model, images, words.end_id, limit, beams, penalty, unsaid)
    return [captions[0] for captions in found]
