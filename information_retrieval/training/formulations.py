"""The ways in which a type of model can be trained, the options of each, and its recipe."""

from dataclasses import fields

from information_retrieval.models.arguments import DataArguments, InputArguments
from information_retrieval.models.checkpoint import CROSS_ENCODERS
from information_retrieval.training.recipes.dual_encoder import dual_encoder_recipe
from information_retrieval.training.recipes.lxmert import lxmert_recipe
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from information_retrieval.training.recipes.recipe import Recipe
from information_retrieval.training.recipes.sx3hre import sx3hre_recipe
from information_retrieval.training.recipes.xvlm import matching_recipe, pretraining_recipe
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split
from preprocess.storage.features_file import FeaturesFile
from preprocess.storage.images_file import ImagesFile

DUAL_ENCODER = "dual encoder"
# The options of each way; the first way is a model's default.
HEEDED: dict[str, dict[str, tuple[str, ...]]] = {
    "lxmert": {
        "binary": ("prob_unaligned", "hard_negatives", "hard_share"),
        "contrastive": ("margin", "top_k_violations", "matching_score"),
    },
    "xvlm": {
        "matching": (),
        "pretraining": (
            *("regions", "region_images", "max_regions", "images_per_region_batch", "box_loss"),
            "new_lr_multiplier",
        ),
    },
    "sx3hre": {
        "distillation": (
            *("alignment", "teacher", "targets", "image_views", "compared", "cosine_margin"),
            "cosine_weight",
        ),
    },
    DUAL_ENCODER: {"contrastive": ("freeze",)},
}
# Of pre-training on regions, which may be left out.
OF_REGIONS = ("region_images", "max_regions", "images_per_region_batch", "box_loss")
OF_COSINE = ("cosine_margin", "cosine_weight")


def formulation_of(model_type: str, asked: str | None) -> str:
    """Return the formulation: the asked one, or the default of the model type.

    Raises:
        InputError: the model cannot be trained so.
    """
    if model_type in CROSS_ENCODERS and model_type not in HEEDED:
        raise InputError(
            "fine-tuning is for LXMERT, X-VLM, Sx3HRe and dual encoders such as CLIP; found a "
            f"{model_type} model"
        )
    ways = _ways(model_type)
    if asked is None:
        return next(iter(ways))
    if asked not in ways:
        why = " has no matching head" if asked == "binary" and model_type not in HEEDED else ""
        raise InputError(
            f"--formulation {asked}: a {model_type} model{why or ' is not trained so'}; leave it "
            f"out, or say {' or '.join(ways)}"
        )
    return asked


def _ways(model_type: str) -> dict[str, tuple[str, ...]]:
    return HEEDED.get(model_type, HEEDED[DUAL_ENCODER])


def check_options_fit(model_type: str, formulation: str, objective: ObjectiveArguments) -> None:
    """Raise InputError for an option that this training would not heed."""
    if formulation == "distillation":
        _check_distillation(objective)
    heeded = ("formulation", *_ways(model_type)[formulation])
    for option in fields(ObjectiveArguments):
        if getattr(objective, option.name) == option.default:
            continue
        if option.name not in heeded:
            raise InputError(
                f"--{option.name}: no option of the {formulation} formulation of a {model_type} "
                "model; leave it out"
            )
        if option.name in OF_REGIONS and objective.regions is None:
            raise InputError(f"--{option.name}: an option of --regions; leave it out, or add those")
        arm = objective.alignment
        if (option.name in OF_COSINE and arm != "cosine") or (
            option.name == "compared" and arm == "itc"
        ):
            raise InputError(f"--{option.name}: no option of --alignment {arm}; leave it out")


def _check_distillation(objective: ObjectiveArguments) -> None:
    """Raise InputError for a distillation that is not told how, or from what."""
    if objective.alignment is None:
        raise InputError("--alignment: an sx3hre model needs one of itc, none, cosine; found none")
    if objective.teacher is None and objective.targets is None:
        raise InputError(
            "--teacher, --targets: an sx3hre model is distilled; expected a teacher, or its "
            "targets of the training images (`python -m preprocess.encode_images`), found neither"
        )


def heeded_options(
    model_type: str, formulation: str, objective: ObjectiveArguments, recipe: Recipe
) -> dict:
    """Return the formulation and the options that it heeds, as JSON values."""
    options = {name: getattr(objective, name) for name in _ways(model_type)[formulation]}
    return {"formulation": formulation, **options, **recipe.options}


def make_recipe(
    name: str,
    model_type: str,
    formulation: str,
    objective: ObjectiveArguments,
    train: Split,
    data: DataArguments,
    seed: int,
    odd: InputArguments,
    batch_size: int,
    processes: int,
) -> Recipe:
    """Load a checkpoint and its training data.

    Args:
        batch_size: of one process.
        processes: that train together.

    Raises:
        InputError: on anything missing or mismatched.
    """
    if model_type == "lxmert":
        features = FeaturesFile(data.features_file("train"))
        return lxmert_recipe(name, formulation, objective, train, features, seed, odd)
    images = ImagesFile(data.images_file("train"))
    if formulation == "pretraining":
        sizes = (batch_size, processes)
        return pretraining_recipe(name, objective, train, images, seed, odd, *sizes)
    if model_type == "sx3hre":
        return sx3hre_recipe(name, objective, train, images, seed, odd)
    if model_type == "xvlm":
        return matching_recipe(name, train, images, seed, odd)
    return dual_encoder_recipe(name, objective, train, images, seed, odd)
