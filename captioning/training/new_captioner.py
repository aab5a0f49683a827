"""The captioner that training begins with: a new one, or one that goes on learning."""

from collections.abc import Sequence
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedConfig

from captioning.models.configuration import LstmCaptionerConfig
from captioning.models.encodings import check_encodings, config_of
from captioning.models.loading import LoadedCaptioner, gpt2_vocabulary, load_captioner
from captioning.models.lstm_captioner import LstmCaptioner
from captioning.models.paper import MIN_COUNT, PAPER
from captioning.models.prefix_captioner import (
    PREFIX_LENGTH,
    PrefixCaptionerConfig,
    initialised,
    load_gpt2,
)
from captioning.models.vocabulary import (
    Vocabulary,
    build_subword_vocabulary,
    build_word_vocabulary,
)
from captioning.training.captioner_options import (
    GPT2,
    OF_DECODER,
    OF_TRAINING,
    OF_WORDS,
    CaptionerOptions,
)
from information_retrieval.models.checkpoint import load_tokenizer
from preprocess.base.errors import InputError
from preprocess.storage.encodings_file import EncodingsFile

NEW = "a new captioner"
LAYERS = 2  # of an LSTM, the paper's
CLAMP = 5.0  # of the paper's attention


def first_captioner(
    options: CaptionerOptions, encodings: EncodingsFile, captions: Sequence[str], seed: int
) -> LoadedCaptioner:
    """Make a captioner, or load the one that goes on.

    Args:
        encodings: what it reads.
        captions: of which a new one's vocabulary is made.
        seed: by which a GPT-2's prefix is drawn; an LSTM is drawn as torch was seeded.

    Raises:
        InputError: options that do not fit each other or the encodings, a checkpoint that cannot be
            trained, no word that occurs often enough.
    """
    if options.model_name_or_path is not None:
        return _loaded(options, encodings)
    if options.paper is not None:
        _check_paper(options, encodings)
    decoder = options.decoder or ("attention" if len(encodings.shape) == 2 else "lstm")
    _check_shape(decoder, encodings)
    of_words = () if decoder == "gpt2" else OF_WORDS
    options.check_heeded((*OF_DECODER[decoder], *of_words), f"the decoder {decoder}")
    if decoder == "gpt2":
        return _new_prefix_captioner(options, encodings, seed)
    return _new_lstm_captioner(options, decoder, encodings, captions)


def _loaded(options: CaptionerOptions, encodings: EncodingsFile) -> LoadedCaptioner:
    name = str(options.model_name_or_path)
    for option in ("paper", "decoder"):
        if getattr(options, option) is not None:
            raise InputError(
                f"--{option}: --model_name_or_path {name} says what it is; leave it out"
            )
    captioner = load_captioner(name)
    if captioner.reads == "pixels":
        raise InputError(
            f"{name}: a BLIP makes captions (`python -m captioning.caption`), and is not trained "
            "here"
        )
    decoder = getattr(captioner.config, "decoder", "gpt2")
    heeded = tuple(name for name in OF_TRAINING if name in OF_DECODER[decoder])
    options.check_heeded(heeded, f"{name}, which is there already")
    for option, value in options.given(heeded).items():
        setattr(captioner.config, option, value)
    if "dropout" in heeded:
        captioner.model.dropout.p = captioner.config.dropout
    assert isinstance(captioner.config, LstmCaptionerConfig | PrefixCaptionerConfig)
    check_encodings(encodings, captioner.config)
    return captioner


def _check_paper(options: CaptionerOptions, encodings: EncodingsFile) -> None:
    """Raise InputError unless the encodings are of the kind that the paper's captioner reads."""
    assert options.paper is not None
    settings = PAPER[options.paper]
    encodings.check_made_by(settings["encoder_kind"])
    if options.decoder not in (None, settings["decoder"]):
        raise InputError(
            f"--decoder {options.decoder}: --paper {options.paper} has the decoder "
            f"{settings['decoder']}; leave one of them out"
        )


def _check_shape(decoder: str, encodings: EncodingsFile) -> None:
    """Raise InputError unless a decoder can read the encodings."""
    n_axes = 2 if decoder == "attention" else 1
    if len(encodings.shape) == n_axes:
        return
    reads = "tokens of an image" if n_axes == 2 else "one vector an image"
    kinds = "--kind tokens" if n_axes == 2 else "--kind embedding or vector"
    found = " x ".join(map(str, encodings.shape))
    raise InputError(
        f"{encodings.path}: the decoder {decoder} reads {reads}, found {found} numbers "
        f"({encodings.kind}); give --encodings of {encodings.schema.made_by} {kinds}, or another "
        "--decoder"
    )


def _new_lstm_captioner(
    options: CaptionerOptions, decoder: str, encodings: EncodingsFile, captions: Sequence[str]
) -> LoadedCaptioner:
    vocabulary = _vocabulary(options, captions)
    settings: dict[str, Any] = {"num_layers": LAYERS if decoder == "lstm" else 1}
    if options.paper is not None:
        settings |= PAPER[options.paper]
    settings |= {**options.given(OF_DECODER[decoder]), "decoder": decoder, **config_of(encodings)}
    try:
        config = LstmCaptionerConfig(
            vocab_size=len(vocabulary), vocabulary_sha256=vocabulary.sha256, **settings
        )
    except (ValueError, StrictDataclassError) as error:
        raise InputError(
            f"{encodings.path} and the options do not fit: {error}; --word_width and --projection "
            "say what the decoder reads"
        ) from error
    return LoadedCaptioner(NEW, LstmCaptioner(config), vocabulary, "encodings", config)


def _vocabulary(options: CaptionerOptions, captions: Sequence[str]) -> Vocabulary:
    if options.subwords is not None:
        return build_subword_vocabulary(captions, options.subwords)
    return build_word_vocabulary(captions, options.min_count or MIN_COUNT)


def _new_prefix_captioner(
    options: CaptionerOptions, encodings: EncodingsFile, seed: int
) -> LoadedCaptioner:
    name = options.gpt2 or GPT2
    gpt2 = load_gpt2(name)
    vocabulary = gpt2_vocabulary(load_tokenizer(name, gpt2.config.vocab_size))
    length = options.prefix_length or PREFIX_LENGTH
    model = initialised(gpt2, encodings.width, length, seed)
    for key, value in config_of(encodings).items():
        setattr(model.config, key, value)
    return LoadedCaptioner(NEW, model, vocabulary, "encodings", model.config)


def clamp_of(options: CaptionerOptions) -> float | None:
    """Return to what each number of the gradient is clamped; None for not at all."""
    of_paper = CLAMP if options.paper == "clip_attention" else None
    return of_paper if options.clamp_gradients is None else options.clamp_gradients


def architecture_of(config: PreTrainedConfig) -> dict[str, Any]:
    """Return what a captioner is made of and trained by, as JSON values."""
    if isinstance(config, PrefixCaptionerConfig):
        return {"decoder": "gpt2", "prefix_length": config.prefix_length}
    assert isinstance(config, LstmCaptionerConfig)
    names = (
        *("decoder", "num_layers", "projection", "image_width", "word_width", "hidden_size"),
        *("attention_width", "dropout", "label_smoothing", "attention_penalty", "penalty_over"),
        *("learn_start", "omit_last_targets", "vocab_size", "vocabulary_sha256"),
    )
    return {name: getattr(config, name) for name in names}
