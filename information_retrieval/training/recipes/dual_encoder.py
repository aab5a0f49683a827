"""What a dual encoder such as CLIP is trained with: the pairs of a batch compared."""

from functools import partial

from torch.utils.data import default_collate

from information_retrieval.models.arguments import InputArguments
from information_retrieval.models.checkpoint import load_model, load_processor, load_tokenizer
from information_retrieval.models.dual_encoder import GalleryInputs, scale_and_bias
from information_retrieval.models.known_answers import (
    check_answers,
    pixel_answers,
    token_answers,
)
from information_retrieval.models.tokenization import (
    READ_PADDING,
    caption_positions,
    pad_tokens,
    tokenize_captions,
)
from information_retrieval.training.examples.dataset import Collator, TrainingPairs
from information_retrieval.training.examples.pairs import PairSampler
from information_retrieval.training.objectives.contrastive_dual_encoder import (
    ScaleLimit,
    contrastive_loss,
    freeze_tower,
)
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from preprocess.captions.split_file import Split
from preprocess.storage.images_file import ImagesFile


def dual_encoder_recipe(
    name: str,
    objective: ObjectiveArguments,
    train: Split,
    images: ImagesFile,
    seed: int,
    odd: InputArguments,
) -> Recipe:
    """Fine-tune a dual encoder by the symmetric cross entropy of a batch."""
    model = load_model(name)
    scale_and_bias(model)  # else an InputError
    freeze_tower(model, objective.freeze)
    tokenizer = load_tokenizer(name, model.config.get_text_config().vocab_size)
    reads_padding = model.config.model_type in READ_PADDING
    tokens = tokenize_captions(
        train, tokenizer, caption_positions(model), reads_padding, odd.long_captions
    )
    processor = load_processor(name)
    check_answers(token_answers(tokenizer, model.config), name, odd.wrong_answers)
    check_answers(pixel_answers(processor.image_processor, model.config), name, odd.wrong_answers)
    inputs = GalleryInputs(images, train.image_ids, processor.image_processor)
    return Recipe(
        model=model,
        tokens=tokens,
        pairs=TrainingPairs(train, tokens.token_ids, inputs, PairSampler(train, 0.0, seed)),
        collator=Collator(
            pad=partial(pad_tokens, pad_id=tokenizer.pad_token_id),
            stack=default_collate,
            target="image_index",
        ),
        processor=processor,
        data_sha256=images.sha256(),
        loss=partial(contrastive_loss, model),
        callbacks=(ScaleLimit(model),),
    )
