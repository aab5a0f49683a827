#!/usr/bin/env bash
# Submit features, fine-tuning, scoring and error analysis as jobs that wait for each other, and
# print their ids:
#   bash slurm/reproduce.sh
# Needs the splits and images of `bash setup.sh coco`; settings are in slurm/site.sh. What is done
# already is not done again: submitted anew after a failure, the jobs go on where it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source slurm/site.sh

fail() {
    echo "reproduce.sh: $*" >&2
    exit 1
}

command -v sbatch >/dev/null || fail "sbatch not found: run this on a login node of the cluster"
((NUM_SHARDS > 1)) || fail "NUM_SHARDS of slurm/site.sh: expected at least 2, found $NUM_SHARDS"
for file in {train,val,minival,test}.json {train,val,test}_images.h5; do
    [[ -f $DATA_DIR/$file ]] || fail "$DATA_DIR/$file not found: bash setup.sh coco makes it"
done
command -v python >/dev/null && python -c "import h5py" 2>/dev/null ||
    fail "no python with the packages of requirements.txt here: VENV of slurm/site.sh, found $VENV"
mkdir -p "$RUN_DIR/slurm"

# submit AFTER SCRIPT [ARGUMENT...]: AFTER is the ids to wait for, with spaces; sbatch's options for
# the kind of job are in the array `options`. Sets `job`.
submit() {
    local after script=$2 number=%j waiting=()
    read -ra after <<<"$1"
    [[ $script != extract_features ]] || number=%A_%a
    ((${#after[@]} == 0)) || waiting=(--dependency="afterok$(printf ':%s' "${after[@]}")" \
        --kill-on-invalid-dep=yes)
    job=$(sbatch --parsable "${options[@]}" "${waiting[@]}" \
        --output "$RUN_DIR/slurm/%x-$number.out" "slurm/$script.sbatch" "${@:3}")
    job=${job%%;*} # the cluster's name follows on some
    printf '%-9s %-32s %s\n' "$job" "$script ${*:3}" "${after[*]}"
}

# Tell whether a split's features are there and whole, as made before or elsewhere.
has_features() {
    [[ -f $DATA_DIR/$1_features.h5 ]] && python - "$DATA_DIR/$1_features.h5" 2>/dev/null <<'PYTHON'
import sys
from pathlib import Path
from preprocess.storage.features_file import FeaturesFile
FeaturesFile(Path(sys.argv[1]))
PYTHON
}

printf '%-9s %-32s %s\n' job step after
scores=()
declare -A features=([test]="" [val]="" [train]="")
for split in test val train; do
    if has_features $split; then
        printf '%-9s %s\n' - "${split}_features.h5 is there"
        continue
    fi
    options=("${SHARD_JOB[@]}" --array="0-$((NUM_SHARDS - 1))")
    submit "" extract_features $split
    options=("${CPU_JOB[@]}")
    submit "$job" merge_features $split
    features[$split]=$job
done
options=("${NODE_JOB[@]}")
submit "${features[train]} ${features[val]}" finetune_lxmert
lxmert=$job
submit "" finetune_clip
clip_tuned=$job
for protocol in "${PROTOCOLS[@]}"; do
    submit "$lxmert ${features[test]}" evaluate_lxmert "$protocol"
    scores+=("$job")
    submit "" evaluate_clip "$protocol"
    scores+=("$job")
    submit "" evaluate_clip "$protocol" clip_negative # the paper's row
    submit "$clip_tuned" evaluate_clip "$protocol" clip_tuned
done
options=("${CPU_JOB[@]}")
submit "${scores[*]:0:2}" error_analysis "${PROTOCOLS[0]}" # of the first protocol's rankings
echo "their output: $RUN_DIR/slurm/; the report: $RUN_DIR/error_analysis/${PROTOCOLS[0]}/report/index.html"
echo "then, each against what is published: python -m information_retrieval.check (docs/reproduction.md)"
