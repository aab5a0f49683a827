#!/usr/bin/env bash
# What this code does on a GPU: tests, speed, memory, in at most 8 minutes. Needs no network, no
# data and no installation beside PyTorch, torchvision, transformers, accelerate, h5py and pytest.
#
#     bash benchmarks/on_gpu.sh runs/gpu             # writes runs/gpu/gpu.json
#     bash benchmarks/on_gpu.sh runs/gpu --dry_run   # the same on a CPU, as small as possible
set -euo pipefail
if [[ $# -lt 1 || $1 == -* ]]; then
    echo "usage: bash benchmarks/on_gpu.sh OUTPUT_DIR [--dry_run]" >&2
    exit 2
fi
output=$(realpath -m "$1")
cd "$(dirname "$0")/.."
for python in ${PYTHON:+"$PYTHON"} python python3; do
    if "$python" -c 'import importlib.util as i, sys; sys.exit(i.find_spec("torch") is None)' \
        2>/dev/null; then
        # The tokenizers' threads do not survive the forks of the processes that load.
        export PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1 TQDM_DISABLE=1
        exec "$python" -m benchmarks.gpu.run --output "$output" "${@:2}"
    fi
done
echo "error: found no python with PyTorch; set PYTHON" >&2
exit 1
