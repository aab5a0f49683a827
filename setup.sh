#!/usr/bin/env bash
# One command for each thing a newcomer wants: a demo, the tests, the real data.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

VENV=${VENV:-venv}
PYTHON=${PYTHON:-python3}

usage() {
    cat <<'TEXT'
usage: bash setup.sh demo | test | coco [options]

  demo   Make venv/, render a miniature COCO, run the whole pipeline on it (features, HDF5,
         fine-tuning, rankings, error analysis) and write runs/demo/report/index.html to open
         in a browser. No download but the Python packages; 3 minutes on 2 CPU cores after they are
         installed; 0.1 GB of disk beside them.
  test   Make venv/ and run the tests, on the CPU and offline (10 minutes); words go to pytest, e.g.
         bash setup.sh test tests/preprocess -k hdf5
  coco   Make venv/, say what is needed (disk, memory, hours), then download COCO 2014 and Karpathy's
         splits into datasets/coco, write the splits and the images' HDF5 files and, with a GPU, the
         features (100 GB of disk in all):
           --steps LIST         only some of download,weights,splits,images,features
           --preflight_only     say what is needed, and stop
           --features           features also without a GPU (7 days on 2 CPU cores)
           --weights            also download the pretrained models from the Hugging Face hub
           --data_dir DIR       another folder than datasets/coco
           --image_root DIR     images that are there already, in DIR/train2014 and DIR/val2014
           --karpathy_json FILE a dataset_coco.json that is there already
           --detector NAME      hub id or folder of the detector (unc-nlp/frcnn-vg-finetuned)
           --delete_archives    delete each zip file once its files are unpacked
           --verify             read and compare all downloads, not only their sizes
           --mirror URL, --karpathy_url URL, --checksums FILE, --retries N, --retry_wait SECONDS
                                see: venv/bin/python -m preprocess.download_coco --help

Each can be repeated: packages, downloads, features and training that are done are not done again,
and an interrupted one goes on; the other steps are made again. Needs Python 3.11 or newer with venv,
and 6 GB of disk for the packages (with PyTorch's CUDA libraries; a GPU is used where there is one).

Environment: PYTHON, the interpreter that makes venv/ (python3); VENV, another folder for it.
TEXT
}

fail() {
    echo "setup.sh: $*" >&2
    exit 1
}

# Make the virtual environment once; install again only when requirements.txt changed.
make_environment() {
    local stamp=$VENV/requirements.installed
    if ! cmp -s requirements.txt "$stamp"; then
        command -v "$PYTHON" >/dev/null || fail "$PYTHON not found: install Python 3.11 or newer, or set PYTHON"
        "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            fail "Python 3.11 or newer is needed, $PYTHON is $("$PYTHON" -V): set PYTHON to a newer one"
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$PYTHON has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)"
        echo "installing the packages of requirements.txt into $VENV/ (some minutes, 6 GB)"
        [[ -x $VENV/bin/python ]] || "$PYTHON" -m venv "$VENV" ||
            fail "$PYTHON could not make the virtual environment $VENV/ (see above)"
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt ||
            fail "pip could not install requirements.txt (see above): check the network and the disk, then repeat"
        cp requirements.txt "$stamp"
    fi
}

# Show a command as a user would type it, then run it in the environment.
run() {
    printf '\n$ python'
    printf ' %q' "$@"
    printf '\n'
    "$VENV/bin/python" "$@"
}

demo() {
    local data=datasets/demo runs=runs/demo split model
    run -m demo.render --output_dir $data
    run -m preprocess.splits --karpathy_json $data/dataset_coco.json --output_dir $data --minival_size 40
    run -m preprocess.write_images --split_file $data/test.json --image_root $data/images \
        --output $data/test_images.h5
    for split in train val test; do
        run -m preprocess.extract_features --split_file $data/$split.json \
            --image_root $data/images --weights demo/models/detector --output $data/${split}_features.h5
    done
    run -m information_retrieval.train --model_name_or_path demo/models/lxmert --data_dir $data \
        --output_dir $runs/lxmert --num_train_epochs 3 --learning_rate 1e-4
    run -m information_retrieval.evaluate --model_name_or_path $runs/lxmert --data_dir $data \
        --protocol full --output $runs/lxmert/test.npz
    run -m information_retrieval.evaluate --model_name_or_path demo/models/clip --data_dir $data \
        --protocol full --output $runs/clip/test.npz
    for model in lxmert clip; do
        run -m error_analysis.mining --rankings $runs/$model/test.npz --split_file $data/test.json \
            --output $runs/$model/hard_queries.json
    done
    run -m error_analysis.comparison --rankings $runs/lxmert/test.npz $runs/clip/test.npz \
        --split_file $data/test.json --output $runs/comparison.json
    run -m error_analysis.explain --rankings $runs/lxmert/test.npz $runs/clip/test.npz \
        --split_file $data/test.json --train_split_file $data/train.json \
        --images $data/test_images.h5 --features $data/test_features.h5 --region_models lxmert \
        --instances $data/annotations/instances_val2014.json --output $runs/reasons.json
    run -m error_analysis.report --rankings $runs/lxmert/test.npz $runs/clip/test.npz \
        --split_file $data/test.json --images $data/test_images.h5 \
        --features $data/test_features.h5 --reasons $runs/reasons.json --output $runs/report
    run -m demo.kinds --rankings $runs/lxmert/test.npz $runs/clip/test.npz \
        --split_file $data/test.json --kinds $data/annotations/caption_kinds.json
    printf '\nDone. Open %s/%s/report/index.html in a browser.\n' "$PWD" $runs
}

coco() {
    local data=datasets/coco steps= features= weights= only_preflight= step split
    local detector=unc-nlp/frcnn-vg-finetuned images= karpathy= needs=() downloads=()
    while (($#)); do
        case $1 in
            --features) features=1 ;;
            --weights) weights=1 ;;
            --preflight_only) only_preflight=1 ;;
            --delete_archives) needs+=("$1") downloads+=("$1") ;;
            --verify) downloads+=("$1") ;;
            --steps | --data_dir | --image_root | --karpathy_json | --detector | --mirror | \
                --karpathy_url | --checksums | --retries | --retry_wait)
                (($# > 1)) || fail "$1 needs a value (see bash setup.sh --help)"
                case $1 in
                    --steps) steps=${2//,/ } ;;
                    --data_dir) data=$2 ;;
                    --detector) detector=$2 ;;
                    --image_root) images=$2 && needs+=("$1" "$2") downloads+=("$1" "$2") ;;
                    --karpathy_json) karpathy=$2 && needs+=("$1" "$2") downloads+=("$1" "$2") ;;
                    --checksums) needs+=("$1" "$2") downloads+=("$1" "$2") ;;
                    *) downloads+=("$1" "$2") ;;
                esac
                shift
                ;;
            *) fail "unknown option $1 (see bash setup.sh --help)" ;;
        esac
        shift
    done
    make_environment
    images=${images:-$data/images} karpathy=${karpathy:-$data/dataset_coco.json}
    if [[ -z $steps ]]; then
        steps="download splits images"
        ! has_gpu || features=1
    fi
    steps="$steps ${weights:+weights} ${features:+features}"
    run -m preprocess.coco_preflight --data_dir "$data" --steps $steps ${needs[@]+"${needs[@]}"}
    [[ -z $only_preflight ]] || return 0
    for step in download weights splits images features; do
        [[ " $steps " != *" $step "* ]] || coco_step "$step"
    done
    printf '\nDone: %s/.\n' "$data"
    [[ -e $data/test_features.h5 ]] || cat <<'TEXT'
For LXMERT, features are left: on a GPU (7 days on 2 CPU cores), the same command with
--steps features, or, as an array of tasks, slurm/ or README, "Region features".
TEXT
}

# One step, with the variables of `coco`.
coco_step() {
    case $1 in
        download) run -m preprocess.download_coco --data_dir "$data" ${downloads[@]+"${downloads[@]}"} ;;
        weights) run -m preprocess.download_weights ;;
        splits) run -m preprocess.splits --karpathy_json "$karpathy" --output_dir "$data" ;;
        images)
            for split in test val train; do
                run -m preprocess.write_images --split_file "$data/$split.json" \
                    --image_root "$images" --output "$data/${split}_images.h5"
            done
            ;;
        features)
            for split in test val train; do
                run -m preprocess.extract_features --split_file "$data/$split.json" \
                    --image_root "$images" --weights "$detector" --output "$data/${split}_features.h5"
            done
            ;;
    esac
}

has_gpu() {
    "$VENV/bin/python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'
}

verb=${1:---help}
shift || true
case $verb in
    -h | --help | help) usage ;;
    demo)
        (($# == 0)) || fail "demo takes no options, found: $*"
        make_environment
        demo
        ;;
    test)
        make_environment
        "$VENV/bin/python" -m pytest "$@"
        ;;
    coco) coco "$@" ;;
    *) fail "unknown verb $verb (demo, test or coco; see bash setup.sh --help)" ;;
esac
