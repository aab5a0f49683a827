"""Make an X-VLM to pre-train: it begins as a Swin (images) and a BERT (texts and fusion).

Reads two HF checkpoints, each a hub id or a folder; the second has the tokenizer, too. Writes an HF
folder with model, tokenizer and image processor. The first half of BERT's layers reads texts, the
second half begins as the layers that fuse them with images; what neither has (cross-attention,
projections, the heads for matching and boxes) is drawn by a seed.

    python -m information_retrieval.init_xvlm \\
        --image_encoder microsoft/swin-base-patch4-window7-224-in22k \\
        --text_encoder google-bert/bert-base-uncased --output runs/xvlm_init

These two are what the published models began as. With `--xvlm` in their place, an X-VLM of this
project is written anew for images of another size, as between pre-training and fine-tuning; it
keeps its own tokenizer and normalisation of pixels:

    python -m information_retrieval.init_xvlm --xvlm runs/xvlm_pretrained --image_size 384 \\
        --output runs/xvlm_384
"""

from dataclasses import dataclass, field, fields
from pathlib import Path

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.new_folder import check_new_folder, new_folder

OF_NEW_WEIGHTS = ("embedding_dim", "n_text_layers", "seed")


@dataclass
class InitXvlmArguments:
    output: Path = field(metadata={"help": "folder of the HF checkpoint, made if needed"})
    image_encoder: str | None = field(
        default=None, metadata={"help": "HF folder or hub id of a Swin"}
    )
    text_encoder: str | None = field(
        default=None, metadata={"help": "HF folder or hub id of a BERT with its tokenizer"}
    )
    xvlm: str | None = field(
        default=None, metadata={"help": "HF folder of an X-VLM, in place of the two"}
    )
    image_size: int | None = field(
        default=None,
        metadata={
            "help": "pixels of a side of the images to read, a multiple of 32; tables of relative "
            "positions are resized. Default: the image encoder's"
        },
    )
    embedding_dim: int = field(
        default=256, metadata={"help": "width of the features that are compared by cosine"}
    )
    n_text_layers: int | None = field(
        default=None,
        metadata={"help": "layers of BERT that read texts alone. Default: half of them"},
    )
    seed: int = field(default=42, metadata={"help": "of the weights that are new"})

    def __post_init__(self) -> None:
        check_at_least("--embedding_dim", self.embedding_dim, 1)
        check_at_least("--seed", self.seed, 0)
        encoders = (self.image_encoder, self.text_encoder)
        if self.xvlm is None and None in encoders:
            raise InputError("pass --image_encoder and --text_encoder, or --xvlm")
        if self.xvlm is not None and (encoders != (None, None) or self.image_size is None):
            raise InputError("--xvlm: expected --image_size with it, and no encoders")
        defaults = {option.name: option.default for option in fields(self)}
        for name in OF_NEW_WEIGHTS:
            if self.xvlm is not None and getattr(self, name) != defaults[name]:
                raise InputError(
                    f"--{name} {getattr(self, name)}: belongs to --image_encoder and "
                    "--text_encoder; leave it out, an --xvlm has all its weights"
                )


def main() -> None:
    args = parse_arguments(InitXvlmArguments, description=__doc__)
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from information_retrieval.models.checkpoint import (
        load_config,
        load_image_processor,
        load_model,
    )
    from information_retrieval.models.xvlm.conversion import make_processor
    from information_retrieval.models.xvlm.initialisation import (
        initialised,
        load_encoders,
        resized,
    )
    from preprocess.base.disk_space import writing_model

    check_new_folder(args.output)
    if args.xvlm is not None:
        if (kind := load_config(args.xvlm).model_type) != "xvlm":
            raise InputError(f"--xvlm {args.xvlm}: expected an xvlm model, found {kind}")
        given = load_image_processor(args.xvlm)
        try:
            model = resized(load_model(args.xvlm), args.image_size)
        except InputError as error:
            raise InputError(f"--xvlm {args.xvlm}: {error}") from error
        processor = make_processor(args.xvlm, model.config, given.image_mean, given.image_std)
    else:
        encoders = load_encoders(args.image_encoder, args.text_encoder)
        sizes = (args.embedding_dim, args.n_text_layers, args.image_size)
        model = initialised(encoders, args.seed, *sizes)
        processor = make_processor(args.text_encoder, model.config)
    with new_folder(args.output) as folder, writing_model(args.output):
        processor.save_pretrained(folder)
        model.save_pretrained(folder)
    side = model.config.vision_config.image_size
    print(
        f"wrote {args.output}: X-VLM for images of {side} x {side} pixels, "
        f"{model.num_parameters() / 1e6:.1f} M parameters"
    )


if __name__ == "__main__":
    run_command(main)
