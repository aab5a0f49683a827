"""Train LXMERT, X-VLM, Sx3HRe, or a dual encoder such as CLIP, for image-text matching.

LXMERT learns by default as in the paper: each pair aligned or not, by a binary head. Other ways are
options (`--formulation contrastive`, `--hard_negatives`). A dual encoder learns by the symmetric
cross entropy of each batch; X-VLM besides by its matching head, with hard negatives of the batch.
`--formulation pretraining` pre-trains an X-VLM, also on regions of images (docs/xvlm.md); an Sx3HRe
is distilled from an image encoder (`--alignment`, docs/sx3hre.md).

Reads a checkpoint (an LXMERT without the matching head is given a new one), `{data_dir}/train.json`
and `minival.json`, with `train_features.h5` and `val_features.h5` for LXMERT, or `..._images.h5`
for another model. After each epoch the whole minival gallery is ranked; the best epoch by rsum is
kept. Writes HF checkpoint folders: the best model in `output_dir`, with a model card and
`training_curves.png`, and each epoch's in `output_dir/checkpoint-*`. Takes every option of HF's
`TrainingArguments`; the defaults are the paper's.

    python -m information_retrieval.train --model_name_or_path unc-nlp/lxmert-base-uncased \\
        --data_dir datasets/coco --output_dir runs/lxmert

The same command goes on from the last checkpoint when it was killed; while it runs, a second one
with the same output folder stops. On SIGTERM or SIGUSR1 it first writes one, and exits with 128 +
the signal's number. On several GPUs: `torchrun --nproc_per_node 8 -m information_retrieval.train
...`; on several machines that share the output folder, as in slurm/finetune_lxmert.sbatch. The
paper reports 24 to 28 h on 8 GPUs of 11 GB.
"""

import os

from information_retrieval.models.arguments import (
    DataArguments,
    InputArguments,
    ModelArguments,
    ScoreArguments,
)
from information_retrieval.training.recipes.objective_arguments import ObjectiveArguments
from preprocess.base.command_line import parse_arguments, run_command

KEPT = "the checkpoints are kept; the same command goes on from the last one"
OPTIONS_OF_HF = """\
and every option of HF's TrainingArguments, which --help_all lists; with our defaults, the paper's:
  --output_dir PATH                   folder for the checkpoints, made if needed; required
  --num_train_epochs X                10
  --learning_rate X                   1e-5, with --lr_scheduler_type linear and --warmup_steps 0
  --weight_decay X                    1e-4
  --per_device_train_batch_size N     32, --per_device_eval_batch_size 64
  --gradient_accumulation_steps N     1
  --seed N                            42
  --bf16, --fp16 false                by default fp16 on a GPU, float32 on a CPU (--use_cpu)
  --max_steps N                       instead of epochs
  --eval_strategy, --save_strategy    epoch; steps, with --eval_steps and --save_steps
  --metric_for_best_model TEXT        rsum, of minival
  --train_sampling_strategy           random; group_by_length is faster
  --report_to tensorboard             curves in {output_dir}/runs; --logging_steps 0.01 of all steps
"""


def _training_arguments() -> type:
    from information_retrieval.scoring.processes import check_launch
    from information_retrieval.training.paper_arguments import PaperTrainingArguments

    check_launch(os.environ)  # HF's arguments join the processes as they are parsed
    return PaperTrainingArguments


def main() -> None:
    model_arguments, odd, score, data, objective, training = parse_arguments(
        ModelArguments,
        InputArguments,
        ScoreArguments,
        DataArguments,
        ObjectiveArguments,
        description=__doc__,
        others=_training_arguments,
        epilog=OPTIONS_OF_HF,
    )
    # Not above: torch takes seconds to import, --help should not.
    from information_retrieval.scoring.processes import join_launched
    from information_retrieval.training.preparation import prepare
    from information_retrieval.training.results import write_results
    from information_retrieval.training.resumable_run import run_to_end

    name = model_arguments.model_name_or_path
    processes = join_launched(training.device)
    trainer, settings = processes.agree(
        lambda: prepare(name, data, objective, training, odd, score.score)
    )
    run_to_end(trainer, settings, processes, write_results)


if __name__ == "__main__":
    run_command(main, KEPT)
