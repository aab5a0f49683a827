"""Turn an official X-VLM checkpoint into an HF folder: model, tokenizer and image processor.

Reads a file of the published code, pre-trained (`16m_base_model_state_step_199999.th`) or
fine-tuned for retrieval (`itr_coco/checkpoint_9.pth`). What it says of its own configuration is
not read: the shapes of the weights tell it. For images of another size than the checkpoint's, its
tables of relative positions are resized as the published code does.

    python -m information_retrieval.convert_xvlm --checkpoint itr_coco/checkpoint_9.pth \\
        --output runs/xvlm

A pre-trained file reads images of 224 pixels, a fine-tuned one of 384: `--image_size 384` before
fine-tuning the first. Takes half a minute and 3 GB of memory on a CPU.
"""

from dataclasses import dataclass, field
from pathlib import Path

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.base.new_folder import check_new_folder, new_folder


@dataclass
class ConvertXvlmArguments:
    checkpoint: Path = field(metadata={"help": "official file, .th or .pth"})
    output: Path = field(metadata={"help": "folder of the HF checkpoint, made if needed"})
    tokenizer: str = field(
        default="google-bert/bert-base-uncased",
        metadata={"help": "folder or hub id of BERT's tokenizer"},
    )
    image_size: int | None = field(
        default=None,
        metadata={"help": "pixels of a side of the images to read. Default: the checkpoint's own"},
    )


def main() -> None:
    args = parse_arguments(ConvertXvlmArguments, description=__doc__)
    # Not above: torch takes seconds to import, --help and a mistyped option should not.
    from information_retrieval.models.xvlm.conversion import convert, make_processor, read_official
    from information_retrieval.models.xvlm.official_names import official_config
    from preprocess.base.disk_space import writing_model

    check_new_folder(args.output)
    state = read_official(args.checkpoint)
    try:
        config = official_config(state, args.image_size)
        model = convert(state, config)
    except InputError as error:
        raise InputError(f"{args.checkpoint}: {error}") from error
    processor = make_processor(args.tokenizer, config)
    with new_folder(args.output) as folder, writing_model(args.output):
        processor.save_pretrained(folder)
        model.save_pretrained(folder)
    size, window = config.vision_config.image_size, config.vision_config.window_size
    heads = [
        name for name, has in (("box", config.has_box_head), ("MLM", config.has_mlm_head)) if has
    ]
    print(
        f"wrote {args.output}: X-VLM for images of {size} x {size} pixels (windows of {window} x "
        f"{window} tokens), {model.num_parameters() / 1e6:.1f} M parameters"
        + (f", with {' and '.join(heads)} head" if heads else ", without box and MLM head")
    )


if __name__ == "__main__":
    run_command(main)
