"""Say, before anything is downloaded, what COCO's set-up will take, and whether it is there.

Prints, for each step that is to run, the disk that it still needs, memory and hours; the free disk
and memory, and the GPU. Disk together is the most at any time: what a step deletes, later steps
have. Writes nothing. The exit status is 1 when a disk is too small, or --image_root,
--karpathy_json or --checksums are not there.

    python -m preprocess.coco_preflight --data_dir datasets/coco --steps download splits images

Hours are measured on the hardware named, or estimates. What is there already is not counted; the
features of a finished or begun file have their disk.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE

from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.errors import InputError
from preprocess.downloads.coco_archives import check_given, chosen_archives
from preprocess.downloads.step_needs import (
    GB,
    StepNeeds,
    available_memory,
    download_needs,
    features_needs,
    free_bytes,
    images_needs,
    listed_images,
    nearest_folder,
    peak_bytes,
    published_images,
    splits_needs,
    weights_needs,
)

STEPS = ("download", "weights", "splits", "images", "features")


@dataclass
class CocoPreflightArguments:
    data_dir: Path = field(
        default=Path("datasets/coco"), metadata={"help": "folder that the steps write to"}
    )
    steps: list[str] = field(
        default_factory=lambda: ["download", "splits", "images", "features"],
        metadata={"help": f"steps that are to run, of {', '.join(STEPS)}"},
    )
    image_root: Path | None = field(
        default=None, metadata={"help": "folder of the images, which are then not downloaded"}
    )
    karpathy_json: Path | None = field(
        default=None, metadata={"help": "a dataset_coco.json, which is then not downloaded"}
    )
    checksums: Path | None = field(
        default=None, metadata={"help": "as of preprocess.download_coco"}
    )
    delete_archives: bool = field(
        default=False, metadata={"help": "the zip files will be deleted when they are unpacked"}
    )


def needs_of(arguments: CocoPreflightArguments, with_gpu: bool) -> list[StepNeeds]:
    """Return what each of the steps needs, in their order. Raises InputError for an unknown one."""
    for step in arguments.steps:
        if step not in STEPS:
            raise InputError(f"--steps: expected some of {', '.join(STEPS)}, found {step}")
    check_given(arguments.image_root, arguments.karpathy_json)
    data_dir = arguments.data_dir
    image_root = arguments.image_root or data_dir / "images"
    images = published_images(
        chosen_archives(arguments.checksums, with_images=True, with_karpathy=True)
    )
    if arguments.karpathy_json is not None:
        images = listed_images(arguments.karpathy_json, images)
    wanted = chosen_archives(
        arguments.checksums,
        with_images=arguments.image_root is None,
        with_karpathy=arguments.karpathy_json is None,
    )
    needs = {
        "download": lambda: download_needs(wanted, data_dir, arguments.delete_archives),
        "weights": lambda: weights_needs(Path(HF_HUB_CACHE)),
        "splits": lambda: splits_needs(images, data_dir),
        "images": lambda: images_needs(images, data_dir, image_root),
        "features": lambda: features_needs(images, data_dir, with_gpu),
    }
    return [needs[step]() for step in STEPS if step in arguments.steps]


def table(needs: list[StepNeeds]) -> str:
    """Return a line for each step, and one for all."""
    lines = [f"{'step':10}{'disk, GB':>10}{'memory, GB':>12}{'hours':>8}  hours are"]
    for need in needs:
        lines.append(
            f"{need.step:10}{need.disk_bytes / GB:10.1f}{need.memory_bytes / GB:12.1f}"
            f"{need.hours:8.1f}  {need.basis}"
        )
    disk, hours = peak_bytes(needs), sum(need.hours for need in needs)
    memory = max(need.memory_bytes for need in needs)
    lines.append(f"{'together':10}{disk / GB:10.1f}{memory / GB:12.1f}{hours:8.1f}")
    return "\n".join(lines)


def gpu_line() -> str:
    """Say which GPU there is, and its memory."""
    import torch

    if not torch.cuda.is_available():
        return "GPU: none found"
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    memory = torch.cuda.get_device_properties(0).total_memory / GB
    return f"GPU: {len(names)} x {names[0]}, {memory:.0f} GB"


def check_disks(needs: list[StepNeeds]) -> None:
    """Print the free space of each disk. Raises InputError when one is too small."""
    disks: dict[int, list[StepNeeds]] = {}
    for need in needs:
        disks.setdefault(nearest_folder(need.folder).stat().st_dev, []).append(need)
    for of_disk in disks.values():
        folder, needed = of_disk[0].folder, peak_bytes(of_disk)
        free = free_bytes(folder)
        print(f"disk of {folder}: {free / GB:.1f} GB free, {needed / GB:.1f} GB needed")
        if free < needed:
            steps = ", ".join(need.step for need in of_disk)
            raise InputError(
                f"{folder}: {needed / GB:.1f} GB of disk needed for {steps}, found "
                f"{free / GB:.1f} GB free; make room, choose another --data_dir, or run fewer "
                "--steps at once (--delete_archives deletes the zip files after unpacking)"
            )


def main() -> None:
    arguments = parse_arguments(CocoPreflightArguments, description=__doc__)
    import torch  # not above: it takes seconds, before options are read

    needs = needs_of(arguments, torch.cuda.is_available())
    if not needs:
        raise InputError(f"--steps: expected some of {', '.join(STEPS)}, found none")
    print(table(needs), gpu_line(), sep="\n")
    if "features" not in arguments.steps:
        print("features: with a GPU, or when asked for by --features; not counted above")
    memory, available = max(need.memory_bytes for need in needs), available_memory()
    print(f"memory: {available / GB:.1f} GB available", flush=True)
    if available < memory:
        print(
            f"warning: {memory / GB:.1f} GB of memory needed, found {available / GB:.1f} GB",
            file=sys.stderr,
        )
    check_disks(needs)


if __name__ == "__main__":
    run_command(main)
