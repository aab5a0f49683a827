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
  coco   Make venv/ and write the splits of COCO from Karpathy's file:
         bash setup.sh coco [--karpathy_json FILE]   (datasets/coco/dataset_coco.json)
         Then it names the commands that write images and features.

Each can be repeated: packages, features and training that are done are not done again, and an
interrupted one goes on; the other steps are made again. Needs Python 3.11 or newer with venv, and
6 GB of disk for the packages (with PyTorch's CUDA libraries; a GPU is used where there is one).

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
    local data=datasets/coco karpathy=datasets/coco/dataset_coco.json
    while (($#)); do
        case $1 in
            --karpathy_json) 
                (($# > 1)) || fail "--karpathy_json needs a file"
                karpathy=$2 && shift 2
                ;;
            *) fail "unknown option $1 (see bash setup.sh --help)" ;;
        esac
    done
    [[ -f $karpathy ]] || fail "$karpathy not found: take dataset_coco.json from Karpathy's \
https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip and put it there, or pass --karpathy_json FILE"
    run -m preprocess.splits --karpathy_json "$karpathy" --output_dir $data
    cat <<TEXT

The splits are in $data/. With COCO's train2014/ and val2014/ in $data/images/, go on, for each of
the splits train, val and test, with

  $VENV/bin/python -m preprocess.write_images --split_file $data/test.json \\
      --image_root $data/images --output $data/test_images.h5
  $VENV/bin/python -m preprocess.extract_features --split_file $data/test.json \\
      --image_root $data/images --weights unc-nlp/frcnn-vg-finetuned --output $data/test_features.h5
TEXT
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
    coco)
        make_environment
        coco "$@"
        ;;
    *) fail "unknown verb $verb (demo, test or coco; see bash setup.sh --help)" ;;
esac
