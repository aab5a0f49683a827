"""Turn weights of BEiT-2 into an HF folder, model and image processor: the teacher of Sx3HRe.

Reads the published file, a state dict of timm (.safetensors or .pth), or the HF folder of a BEiT;
their shapes tell the configuration. What only pre-training or classification needs is left out;
every other weight must be there, and have its place.

    python -m preprocess.convert_beit --checkpoint beitv2_base_patch16_224_pt1k.pth \\
        --output runs/beit2

The folder's vector of an image is the [CLS] after the final norm. Of fine-tuned weights nothing has
trained the [CLS]: they are refused, unless --fine_tuned asks for the norm of the mean of their
patches instead. Takes 8 seconds and 1.5 GB of memory on a CPU.
"""

from dataclasses import dataclass, field
from pathlib import Path

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.new_folder import check_new_folder, new_folder


@dataclass
class ConvertBeitArguments:
    checkpoint: Path = field(metadata={"help": ".pth or .safetensors file, or HF folder"})
    output: Path = field(metadata={"help": "folder of the HF checkpoint, made if needed"})
    fine_tuned: bool = field(
        default=False,
        metadata={"help": "take fine-tuned weights, and the mean of their patches for the [CLS]"},
    )


def main() -> None:
    arguments = parse_arguments(ConvertBeitArguments, description=__doc__)
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from preprocess.base.disk_space import writing_model
    from preprocess.encoders.beit_conversion import (
        convert,
        make_processor,
        read_weights,
        warn_of_first_version,
    )

    check_new_folder(arguments.output)
    state = read_weights(arguments.checkpoint)
    try:
        model = convert(state, arguments.fine_tuned)
    except InputError as error:
        raise InputError(f"{arguments.checkpoint}: {error}") from error
    warn_of_first_version(arguments.checkpoint, state)
    config = model.config
    side = config.image_size
    assert isinstance(side, int), "a square, as `beit_config` tells it"
    with new_folder(arguments.output) as folder, writing_model(arguments.output):
        make_processor(side).save_pretrained(folder)
        model.save_pretrained(folder)
    vector = "mean of the patches" if arguments.fine_tuned else "[CLS]"
    print(
        f"wrote {arguments.output}: BEiT-2 of {config.num_hidden_layers} blocks for images of "
        f"{side} x {side} pixels, {model.num_parameters() / 1e6:.1f} M "
        f"parameters; its vector of an image is the {vector}, {config.hidden_size} numbers"
    )


if __name__ == "__main__":
    run_command(main)
