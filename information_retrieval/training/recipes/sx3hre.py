"""What Sx3HRe is trained with: each caption with its image, and what the teacher makes of that."""

from functools import partial

from torch.utils.data import default_collate

from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.checkpoint import load_model, load_processor, load_tokenizer
from information_retrieval.models.known_answers import (
    check_answers,
    pixel_answers,
    token_answers,
)
from information_retrieval.models.tokenization import (
    caption_positions,
    pad_tokens,
    tokenize_captions,
)
from information_retrieval.training.examples.augmentation import PixelFormat
from information_retrieval.training.examples.dataset import Collator
from information_retrieval.training.examples.distilled_pairs import DistilledPairs
from information_retrieval.training.objectives.sx3hre_in_training import Sx3hreInTraining
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.parameter_groups import ParameterGroups
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.recipes.teaching import read_teaching
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.images_file import ImagesFile

# As published: besides biases and norms, token embeddings and whatever is a vector or a number.
UNDECAYED = r"word_embeddings|cls_token|lambda_|gamma_|_bias$|logit_scale$"


def sx3hre_recipe(
    name: str,
    objective: ObjectiveArguments,
    train: Split,
    images: ImagesFile,
    seed: int,
    odd: InputArguments,
) -> Recipe:
    """Distil a teacher into Sx3HRe, in one of three arms.

    Raises:
        InputError: as `make_recipe` and `read_teaching`; or one image, where images are compared.
    """
    if objective.alignment != "none" and len(train.images) < 2:
        raise InputError(
            f"split {train.split!r} of {train.source}: expected at least two images, to be "
            f"compared, found {len(train.images)}"
        )
    model = _load_student(name, objective)
    tokenizer = load_tokenizer(name, model.config.text_config.vocab_size)
    processor = load_processor(name)
    image_processor = processor.image_processor
    check_answers(token_answers(tokenizer, model.config), name, odd.wrong_answers)
    check_answers(pixel_answers(image_processor, model.config), name, odd.wrong_answers)
    tokens = tokenize_captions(
        train, tokenizer, caption_positions(model), long_captions=odd.long_captions
    )
    pixels = PixelFormat(
        model.config.vision_config.image_size,
        tuple(image_processor.image_mean),
        tuple(image_processor.image_std),
    )
    teaching = read_teaching(objective, images, pixels, model)
    model.config.teacher, targets = teaching.revision, teaching.targets
    view = objective.image_views or ("random" if targets is None else "fixed")
    return Recipe(
        model=model,
        tokens=tokens,
        pairs=DistilledPairs(train, tokens, images, image_processor, pixels, view, targets, seed),
        collator=Collator(
            pad=partial(pad_tokens, pad_id=tokenizer.pad_token_id),
            stack=default_collate,
            target="image_index",
        ),
        processor=processor,
        data_sha256=images.sha256(),
        groups=ParameterGroups(UNDECAYED),
        add_targets=teaching.asked,
        options={
            "teacher": teaching.revision,
            "targets": None if targets is None else f"sha256:{targets.sha256()}",
            "image_views": view,
            "compared": model.config.compared,
        },
    )


def _load_student(name: str, objective: ObjectiveArguments) -> Sx3hreInTraining:
    """Load the model, with what its arm has and heeds."""
    model = load_model(name, Sx3hreInTraining)
    assert isinstance(model, Sx3hreInTraining)
    assert objective.alignment is not None, "`check_options_fit` asks for it"
    itc = objective.alignment == "itc"
    model.prepare_for(objective.alignment, "output" if itc else objective.compared)
    model.margin, model.cosine_weight = objective.cosine_margin, objective.cosine_weight
    return model
