"""Make an Sx3HRe to train: it begins as the first layers of an image and of a text encoder.

Reads two HF checkpoints of one width, each a hub id or a folder; the second has the tokenizer, too.
Image encoders are Data2Vec's or BEiT's (also BEiT-2's, by `preprocess.convert_beit`), text encoders
BERT's, RoBERTa's or Data2Vec's. Writes an HF folder with model, tokenizer and image processor. The
block that both pass through is drawn by a seed.

    python -m information_retrieval.init_sx3hre --image_encoder facebook/data2vec-vision-base \\
        --text_encoder google-bert/bert-base-uncased --output runs/sx3hre_init

Takes half a minute and 3 GB of memory on a CPU. Then: docs/sx3hre.md.
"""

from dataclasses import dataclass, field
from pathlib import Path

from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.new_folder import check_new_folder, new_folder


@dataclass
class InitSx3hreArguments:
    image_encoder: str = field(
        metadata={"help": "HF folder or hub id of an image encoder (data2vec-vision, beit)"}
    )
    text_encoder: str = field(
        metadata={
            "help": "HF folder or hub id of a text encoder with its tokenizer (bert, roberta, "
            "data2vec-text)"
        }
    )
    output: Path = field(metadata={"help": "folder of the HF checkpoint, made if needed"})
    depth: int = field(default=6, metadata={"help": "layers that are kept of each, the first ones"})
    seed: int = field(default=42, metadata={"help": "of the weights that are new"})

    def __post_init__(self) -> None:
        check_at_least("--depth", self.depth, 1)
        check_at_least("--seed", self.seed, 0)


def main() -> None:
    args = parse_arguments(InitSx3hreArguments, description=__doc__)
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from information_retrieval.models.sx3hre.initialisation import (
        initialised,
        load_encoders,
        make_processor,
    )
    from preprocess.base.disk_space import writing_model

    check_new_folder(args.output)
    encoders = load_encoders(args.image_encoder, args.text_encoder, args.depth)
    model = initialised(encoders, args.seed)
    processor = make_processor(args.text_encoder, model.config)
    with new_folder(args.output) as folder, writing_model(args.output):
        processor.save_pretrained(folder)
        model.save_pretrained(folder)
    side = model.config.vision_config.image_size
    print(
        f"wrote {args.output}: Sx3HRe for images of {side} x {side} pixels, {args.depth} layers "
        f"and the shared block, {model.num_parameters() / 1e6:.1f} M parameters"
    )


if __name__ == "__main__":
    run_command(main)
