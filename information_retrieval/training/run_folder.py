"""A training run's folder: what the run was begun with, and its checkpoints.

training_run.json             what the run was begun with, written after the first step
checkpoint-*/                 HF's, and complete.json: the SHA-256 of each file, written last, so
                              that a checkpoint without it is one whose writing was interrupted
trainer_state.json            written last of all: the run is finished
"""

from pathlib import Path

from information_retrieval.models.checkpoint import RUN_BEGUN
from preprocess.base.errors import InputError, UnreadableError
from preprocess.base.files import read_json, sha256_of_file, write_json

SEAL = "complete.json"
# Not compared where one side lacks them: earlier versions did not record them, or did where they do
# not act.
NOT_ALWAYS = frozenset(
    {
        *("optim_args", "neftune_noise_alpha", "dataloader_drop_last"),
        *("split_batches", "even_batches", "use_seedable_sampler"),
        *("load_best_model_at_end", "metric_for_best_model", "greater_is_better"),
        *("eval_strategy", "eval_steps", "eval_delay", "save_strategy", "save_steps"),
        "minival_beams",
    }
)
# The options of what is recorded by another name.
OPTIONS = {
    "adam": "--adam_beta1, --adam_beta2, --adam_epsilon",
    "precision": "--bf16, --fp16",
    "batch_size": "--per_device_train_batch_size times --gradient_accumulation_steps and processes",
    "minival_method": "--method",
    "minival_max_tokens": "--max_tokens",
    "minival_beams": "--num_beams, --length_penalty",
    "minival_say_unknown": "--say_unknown",
}


def begin_or_go_on(output_dir: Path, begun_with: dict) -> str | None:
    """Check that the folder belongs to the same run, or is new; return where to go on from.

    Args:
        begun_with: all that the run's result depends on, as JSON values.

    Returns:
        The newest whole checkpoint; None to begin. One that a kill left half-written, or that is
        damaged, is passed over with a warning.

    Raises:
        InputError: the folder holds a run that was begun with something else, or by something else.
    """
    path = output_dir / RUN_BEGUN
    if path.exists():
        found = read_json(path, "delete the folder to begin anew")
        for key in sorted(begun_with.keys() | found.keys()):
            if key in NOT_ALWAYS and not (key in found and key in begun_with):
                continue
            if found.get(key) != begun_with.get(key):
                options = f" ({OPTIONS[key]})" if key in OPTIONS else ""
                raise InputError(
                    f"{output_dir}: holds a run with {key} {found.get(key)}, expected "
                    f"{begun_with.get(key)}{options}; choose another --output_dir, or delete this "
                    "one"
                )
    elif is_finished(output_dir) or any(output_dir.glob("checkpoint-*")):
        raise InputError(
            f"{output_dir}: holds checkpoints but no {RUN_BEGUN}, so of a run that another "
            "command began; choose another --output_dir"
        )
    return last_whole_checkpoint(output_dir)


def record(output_dir: Path, begun_with: dict) -> None:
    """Write what the run was begun with, unless it is there.

    After the first step, so that options with which no step can be made leave the folder free for
    the corrected command.
    """
    path = output_dir / RUN_BEGUN
    if not path.exists():
        write_json(path, begun_with)


def is_finished(output_dir: Path) -> bool:
    """Tell whether the run's model is there: its state is what training writes last."""
    return (output_dir / "trainer_state.json").is_file()


def seal(checkpoint: Path) -> None:
    """Mark a checkpoint as whole, with the hashes of its files."""
    (checkpoint / SEAL).unlink(missing_ok=True)
    remove_leftovers(checkpoint)
    files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
    hashes = {str(path.relative_to(checkpoint)): sha256_of_file(path) for path in files}
    write_json(checkpoint / SEAL, hashes)


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed process left of weights that safetensors was writing."""
    for partial in folder.glob(".tmp*"):
        partial.unlink()


def last_whole_checkpoint(output_dir: Path) -> str | None:
    """Return the newest of `checkpoint-*` whose files are those that were sealed, or None."""
    folders = [f for f in output_dir.glob("checkpoint-*") if f.name[11:].isdecimal()]
    for folder in sorted(folders, key=lambda f: int(f.name[11:]), reverse=True):
        reason = _what_is_wrong(folder)
        if reason is None:
            return str(folder)
        print(f"warning: {folder}: {reason}; going on from one before it, or anew without one")
    return None


def _what_is_wrong(folder: Path) -> str | None:
    """Return why a checkpoint cannot be gone on from; None for a whole one."""
    reason = _what_is_damaged(folder)
    if reason is not None:
        return reason
    best = read_json(folder / "trainer_state.json", "delete it").get("best_model_checkpoint")
    # By its name: the run's folder may have been moved.
    best = None if best is None else folder.with_name(Path(best).name)
    if best in (None, folder) or _what_is_damaged(best) is None:
        return None
    return f"the best checkpoint before it, {best.name}, is {_what_is_damaged(best)}"


def _what_is_damaged(folder: Path) -> str | None:
    if not (folder / SEAL).is_file():
        return "not whole, an interrupted save"
    try:
        hashes = read_json(folder / SEAL, "delete the checkpoint")
    except UnreadableError:
        raise
    except InputError:
        return f"damaged, {SEAL} does not read"
    for name, expected in hashes.items():
        path = folder / name
        if not path.is_file():
            return f"damaged, {name} is missing"
        if sha256_of_file(path) != expected:
            return f"damaged, {name} is not what was written"
    return None
