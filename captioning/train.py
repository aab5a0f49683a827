"""Train a captioner: an LSTM, an LSTM with attention, or a GPT-2, on images' cached encodings.

Reads `{data_dir}/train.json` and `minival.json`, and of their images what a frozen encoder made,
`train_embedding.h5` and `minival_embedding.h5` (of preprocess.encode_images; `--encodings tokens`
and `vector` read `train_tokens.h5` and `train_vector.h5`; minival's images may be in `train_...` or
`val_...`). Each caption is an item of each epoch. Begins anew, with the words of the training
captions, or goes on from a captioner (`--model_name_or_path`). After each epoch minival is
captioned, greedily by default; the best epoch by CIDEr-D is kept: let minival be taken from what is
not reported. Writes the best captioner as an HF folder in `output_dir`, with a model card and
`training_curves.png`, and each epoch's in `output_dir/checkpoint-*`. Takes every option of HF's
`TrainingArguments`.

    python -m captioning.train --data_dir datasets/vizwiz --output_dir runs/clip_lstm
    python -m captioning.train --data_dir datasets/vizwiz --encodings tokens \\
        --paper clip_attention --output_dir runs/clip_attention

The same command goes on from the last checkpoint when it was killed; while it runs, a second one
with the same output folder stops. On SIGTERM or SIGUSR1 it first writes one, and exits with 128 +
the signal's number. On several GPUs: `torchrun --nproc_per_node 8 -m captioning.train ...`.
"""

import os

from captioning.training.captioner_options import (
    CaptionDataArguments,
    CaptionerOptions,
    MinivalDecodingArguments,
)
from preprocess.base.command_line import parse_arguments, run_command

KEPT = "the checkpoints are kept; the same command goes on from the last one"
OPTIONS_OF_HF = """\
and every option of HF's TrainingArguments, which --help_all lists; with our defaults:
  --output_dir PATH                   folder for the checkpoints, made if needed; required
  --num_train_epochs X                5
  --learning_rate X                   1e-3, with --lr_scheduler_type constant and --weight_decay 0
  --max_grad_norm X                   1; the paper has none, 0
  --per_device_train_batch_size N     32, --per_device_eval_batch_size 64
  --gradient_accumulation_steps N     1
  --seed N                            42
  --bf16, --fp16                      float32 by default, also on a GPU
  --max_steps N                       instead of epochs
  --eval_strategy, --save_strategy    epoch; steps, with --eval_steps and --save_steps
  --metric_for_best_model TEXT        CIDEr, of minival; or Bleu_1 to Bleu_4, ROUGE_L
  --train_sampling_strategy           random; group_by_length is faster
  --report_to tensorboard             curves in {output_dir}/runs; --logging_steps 0.01 of all steps
"""


def _training_arguments() -> type:
    from captioning.training.training_arguments import CaptionTrainingArguments
    from information_retrieval.scoring.processes import check_launch

    check_launch(os.environ)  # HF's arguments join the processes as they are parsed
    return CaptionTrainingArguments


def main() -> None:
    options, data, minival, training = parse_arguments(
        CaptionerOptions,
        CaptionDataArguments,
        MinivalDecodingArguments,
        description=__doc__,
        others=_training_arguments,
        epilog=OPTIONS_OF_HF,
    )
    decoding = minival.decoding()
    # Not above: torch takes seconds to import, --help should not.
    from captioning.training.preparation import prepare
    from captioning.training.results import write_results
    from information_retrieval.scoring.processes import join_launched
    from information_retrieval.training.resumable_run import run_to_end

    processes = join_launched(training.device)
    trainer, settings = processes.agree(lambda: prepare(options, data, decoding, training))
    run_to_end(trainer, settings, processes, write_results)


if __name__ == "__main__":
    run_command(main, KEPT)
