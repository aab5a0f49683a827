"""Speed of scoring with a small model as OpenMP's threads wait for work in one way or another.

Threads that spin while they wait begin at once, and take the core from others; those that sleep
leave it, and take longer to begin. A small model waits often. Scores the demo's LXMERT on random
regions and captions, in a process for each way, alone and beside a process that keeps all cores
busy; the ways take turns. Prints pairs/s in the fastest round.

    python -m benchmarks.threads

10 minutes on 2 CPU cores.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from preprocess.base.command_line import check_at_least, parse_arguments, run_command

WAYS: dict[str, dict[str, str]] = {
    "libgomp's default": {},
    "a short spin": {"GOMP_SPINCOUNT": "10000"},
    "sleeping at once (ours)": {"OMP_WAIT_POLICY": "passive"},
    "always spinning": {"OMP_WAIT_POLICY": "active"},
}
N_IMAGES, N_CAPTIONS = 64, 256
CHILD = "from benchmarks.threads import score; print(score())"


@dataclass
class ThreadsArguments:
    repeats: int = field(default=3, metadata={"help": "rounds, of which the fastest counts"})


def score() -> float:
    """Return the seconds of scoring all pairs, once beforehand and once counted."""
    import torch

    from benchmarks.lxmert_pairs import encoded, random_captions, random_regions
    from information_retrieval.models.checkpoint import load_model
    from information_retrieval.models.lxmert.model import LxmertForImageTextMatching
    from information_retrieval.scoring.all_pairs import score_all

    folder = Path(__file__).resolve().parents[1] / "demo" / "models" / "lxmert"
    model = load_model(str(folder), to_fine_tune=LxmertForImageTextMatching).eval()
    token_ids = random_captions(model.config.vocab_size, N_CAPTIONS)
    images = random_regions(model.config.visual_feat_dim, N_IMAGES)
    seconds = 0.0
    with torch.inference_mode():
        for _ in range(2):
            start = time.perf_counter()
            gallery = encoded(model, token_ids, images, torch.float32)
            sizes = gallery.n_images, gallery.n_captions
            score_all(gallery, gallery.column_blocks, *sizes, show_progress=False)
            seconds = time.perf_counter() - start
    return seconds


def measure(setting: dict[str, str]) -> float:
    """Score in a process with these variables of the environment; return pairs/s."""
    ours = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    shown = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={**environment, **setting},
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    return N_IMAGES * N_CAPTIONS / float(shown.stdout.split()[-1])


def keep_busy() -> None:
    """Multiply matrices on all cores until the process is ended."""
    import torch

    matrix = torch.randn(700, 700)
    while True:
        matrix = (matrix @ matrix).clamp(-1, 1)


def fastest_of(repeats: int, where: str) -> dict[str, float]:
    """Measure every way in turns; return the most pairs/s of each."""
    best = dict.fromkeys(WAYS, 0.0)
    for turn in range(1, repeats + 1):
        for name, setting in WAYS.items():
            print(f"{where}, {turn} of {repeats}: {name}", file=sys.stderr, flush=True)
            best[name] = max(best[name], measure(setting))
    return best


def main() -> None:
    args = parse_arguments(ThreadsArguments, description=__doc__)
    check_at_least("--repeats", args.repeats, 1)
    alone = fastest_of(args.repeats, "alone")
    other = multiprocessing.get_context("spawn").Process(target=keep_busy, daemon=True)
    other.start()
    try:
        beside = fastest_of(args.repeats, "beside a busy process")
    finally:
        other.terminate()
    print(f"{'pairs/s':25}{'alone':>10}{'beside':>10}")
    for name in WAYS:
        print(f"{name:25}{alone[name]:10,.0f}{beside[name]:10,.0f}")


if __name__ == "__main__":
    run_command(main)
