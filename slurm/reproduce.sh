#!/usr/bin/env bash
# Submit features, training, scoring and error analysis as jobs that wait for each other, and print
# their ids:
#   bash slurm/reproduce.sh                       # of the paper's two, lxmert,clip
#   bash slurm/reproduce.sh --systems clip,xvlm   # some of lxmert,clip,xvlm,sx3hre,captioning
#   bash slurm/reproduce.sh --systems all
# Needs the splits and images of `bash setup.sh coco`; settings are in slurm/site.sh. What is done
# already is not done again: submitted anew after a failure, the jobs go on where it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source slurm/site.sh
known=(lxmert clip xvlm sx3hre captioning) systems=(lxmert clip)

fail() {
    echo "reproduce.sh: $*" >&2
    exit 1
}

if (($#)); then
    [[ $# == 2 && $1 == --systems ]] || fail "expected --systems LIST, found: $*"
    IFS=', ' read -ra systems <<<"$2"
    [[ $2 != all ]] || systems=("${known[@]}")
    ((${#systems[@]})) || fail "--systems: expected some of ${known[*]}, or all, found none"
fi
for system in "${systems[@]}"; do
    [[ " ${known[*]} " == *" $system "* ]] ||
        fail "--systems: expected some of ${known[*]}, or all, found $system"
done
is_wanted() { [[ " ${systems[*]} " == *" $1 "* ]]; }

command -v sbatch >/dev/null || fail "sbatch not found: run this on a login node of the cluster"
((NUM_SHARDS > 1)) || fail "NUM_SHARDS of slurm/site.sh: expected at least 2, found $NUM_SHARDS"
needed=("$DATA_DIR"/{train,val,minival,test}.json "$DATA_DIR"/{train,val,test}_images.h5)
for file in "${needed[@]}"; do
    [[ -f $file ]] || fail "$file not found: bash setup.sh coco makes it"
done
! is_wanted xvlm || [[ -d $XVLM || -f ${XVLM_CHECKPOINT:-$XVLM_REGIONS} ]] ||
    fail "${XVLM_CHECKPOINT:-$XVLM_REGIONS} not found, which X-VLM begins with (docs/xvlm.md)"
! is_wanted sx3hre || [[ -f $SX3HRE_TARGETS || -d $SX3HRE_TEACHER ]] ||
    fail "$SX3HRE_TEACHER not found, which teaches Sx3HRe (docs/sx3hre.md)"
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
    printf '%-9s %-32s  %s\n' "$job" "$script ${*:3}" "${after[*]}"
}

# ranks PROTOCOL NAME...: of the first protocol, the last job's rankings are for the report.
ranks() {
    [[ $1 == "${PROTOCOLS[0]}" ]] || return 0
    scores+=("$job") names+=("${@:2}")
}

# is_whole READER FILE: tell whether a file is there and whole, as made before or elsewhere.
is_whole() {
    [[ -f $2 ]] && python - "$@" 2>/dev/null <<'PYTHON' && printf '%-9s %s\n' - "$2 is there"
import sys
from pathlib import Path
from preprocess.storage.encodings_file import EncodingsFile
from preprocess.storage.features_file import FeaturesFile
{"encodings": EncodingsFile, "features": FeaturesFile}[sys.argv[1]](Path(sys.argv[2]))
PYTHON
}

lxmert() {
    local split protocol tuned
    declare -A features=([test]="" [val]="" [train]="")
    for split in test val train; do
        ! is_whole features "$DATA_DIR/${split}_features.h5" || continue
        options=("${SHARD_JOB[@]}" --array="0-$((NUM_SHARDS - 1))")
        submit "" extract_features $split
        options=("${CPU_JOB[@]}")
        submit "$job" merge_features $split
        features[$split]=$job
    done
    options=("${NODE_JOB[@]}")
    submit "${features[train]} ${features[val]}" finetune_lxmert
    tuned=$job
    for protocol in "${PROTOCOLS[@]}"; do
        submit "$tuned ${features[test]}" evaluate_lxmert "$protocol"
        ranks "$protocol" lxmert
    done
}

clip() {
    local protocol tuned
    options=("${NODE_JOB[@]}")
    submit "" finetune_clip
    tuned=$job
    for protocol in "${PROTOCOLS[@]}"; do
        submit "" evaluate_clip "$protocol"
        ranks "$protocol" clip
        submit "" evaluate_clip "$protocol" clip_negative # the paper's row
        submit "$tuned" evaluate_clip "$protocol" clip_tuned
        ranks "$protocol" clip_tuned
    done
}

xvlm() {
    local protocol tuned
    job=
    if [[ -d $XVLM ]]; then
        printf '%-9s %s\n' - "$XVLM is there"
    else
        if [[ -z $XVLM_CHECKPOINT ]]; then
            options=("${CPU_JOB[@]}")
            submit "" make_xvlm init
            options=("${NODE_JOB[@]}")
            submit "$job" pretrain_xvlm --regions "$XVLM_REGIONS"
        fi
        options=("${CPU_JOB[@]}")
        submit "$job" make_xvlm
    fi
    options=("${NODE_JOB[@]}")
    submit "$job" finetune_xvlm
    tuned=$job
    for protocol in "${PROTOCOLS[@]}"; do
        submit "$tuned" evaluate_xvlm "$protocol"
        ranks "$protocol" xvlm xvlm_itc
    done
}

sx3hre() {
    job=
    options=("${SHARD_JOB[@]}")
    is_whole encodings "$SX3HRE_TARGETS" || submit "" encode_targets
    options=("${NODE_JOB[@]}")
    submit "$job" ablate_sx3hre
    submit "$job" evaluate_sx3hre "${PROTOCOLS[0]}"
    ranks "${PROTOCOLS[0]}" sx3hre_{itc,cosine,none}
}

captioning() {
    options=("${SHARD_JOB[@]}")
    submit "" train_captioner
    # The report shows captions of its own images.
    if [[ $CAPTIONS_DIR/$CAPTIONER_SPLIT == "$DATA_DIR/test" ]]; then
        scores+=("$job") shown=(--generated_captions "$CAPTIONER_RUN/test_captions.json")
    fi
    submit "$job" self_retrieval
}

printf '%-9s %-32s  %s\n' job step after
scores=() names=() shown=()
for system in "${known[@]}"; do
    ! is_wanted "$system" || "$system"
done
echo "their output: $RUN_DIR/slurm/"
if ((${#names[@]})); then
    options=("${CPU_JOB[@]}")
    submit "${scores[*]}" error_analysis "${PROTOCOLS[0]}" "${names[@]}" "${shown[@]}"
    echo "the report: $RUN_DIR/error_analysis/${PROTOCOLS[0]}/report/index.html"
    echo "then, each against what is published: python -m information_retrieval.check (docs/reproduction.md)"
fi
