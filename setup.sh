#!/usr/bin/env bash
# One command for each thing a newcomer wants: a demo, the tests, real data.
set -euo pipefail
CALLER=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

VENV=${VENV:-venv}
# Threads that wait for work let others have the core (docs/scoring.md).
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
PYTHON=${PYTHON:-python3}

usage() {
    cat <<TEXT
usage: bash setup.sh demo | test | coco | flickr30k | vizwiz [options]

  demo   Make $VENV/, render a miniature COCO, run the whole pipeline on it (features, HDF5,
         fine-tuning, rankings, error analysis) and write runs/demo/report/index.html to open
         in a browser. No download but the Python packages; 5 minutes on 2 CPU cores after they are
         installed; 0.1 GB of disk beside them. With --all, more systems: a fine-tuned CLIP, X-VLM's
         contrastive half, Sx3HRe's arms, fusion, cascade, and three captioners, whose captions ask
         X-VLM for their images, those of CNN+LSTM also LXMERT and CLIP (10 minutes).
  test   Make $VENV/ and run the tests, on the CPU and offline (6 minutes on 2 cores); with --all
         also the long ones (30 minutes); other words go to pytest, e.g.
         bash setup.sh test tests/preprocess -k hdf5
  coco   Make $VENV/, say what is needed (disk, memory, hours), then download COCO 2014 and Karpathy's
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
                                see: $VENV/bin/python -m preprocess.download_coco --help
         DIR and FILE start from the folder that the command is given in.
  flickr30k  Make $VENV/, download Karpathy's splits of Flickr30k into datasets/flickr30k, check that
         the images are there, and write the splits, the images' HDF5 files and, with a GPU, the
         features (5 GB of disk, and 9 GB for features). No script may fetch the images: they come
         from the University of Illinois, by a form, or from Kaggle (docs/flickr30k.md):
           --image_root DIR     their folder, with 1000092795.jpg and so on; always to be given
           --steps LIST         only some of download,splits,images,features
           --skip_damaged       go on without images that are missing or damaged
           --features, --data_dir DIR, --karpathy_json FILE, --detector NAME, --karpathy_url URL,
           --checksums FILE     as of coco (FILE: a dataset_flickr30k.json)
  vizwiz  Make $VENV/, download VizWiz-Captions' images and captions of train and val into
         datasets/vizwiz, and write the splits and the images' HDF5 files (docs/vizwiz.md; test has
         no captions):
           --image_root DIR     images that are there already, in DIR/train and DIR/val
           --annotations DIR    train.json and val.json that are there already
           --steps LIST         only some of download,splits,images
           --skip_damaged       go on without images that are missing or damaged
           --mirror URL         in the place of https://vizwiz.cs.colorado.edu/VizWiz_final
           --data_dir DIR, --verify     as of coco

Each can be repeated: packages, downloads, images, features and training that are done are not done
again, and an interrupted one goes on (images: at the split it was in); the other steps are made
again. Needs Python 3.11 or newer with venv, and 7 GB of disk for the packages (with PyTorch's CUDA
libraries; a GPU is used where there is one).

Environment: PYTHON, the interpreter that makes the environment (python3); VENV, the environment's
folder (venv), which starts from this repository.
TEXT
}

fail() {
    echo "setup.sh: $*" >&2
    exit 1
}

# Its Python is a link to one of the system's, which may have been removed or upgraded since; or the
# folder came from another machine, or was being made when it was interrupted.
remove_broken_environment() {
    local python=$VENV/bin/python check=(-c '')
    [[ -d $(dirname "$VENV") ]] || fail "VENV=$VENV: there is no folder $(dirname "$VENV")"
    [[ -n $(ls -A "$VENV" 2>/dev/null) ]] || return 0
    [[ -f $VENV/pyvenv.cfg || -e $python || -L $python ]] ||
        fail "$VENV/ is there, and is no virtual environment: move it away, or set VENV to another folder"
    [[ -e $1 ]] || check=(-m pip --version)
    "$python" "${check[@]}" >/dev/null 2>&1 && return 0
    echo "$VENV/ has no working Python (it was made by $(readlink "$python" || echo "another")): it is made again"
    rm -rf "$VENV"
}

# Make the virtual environment once; install again only when requirements.txt changed.
make_environment() {
    local stamp=$VENV/requirements.installed
    remove_broken_environment "$stamp"
    if ! cmp -s requirements.txt "$stamp"; then
        command -v "$PYTHON" >/dev/null || fail "$PYTHON not found: install Python 3.11 or newer, or set PYTHON"
        "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            fail "Python 3.11 or newer is needed, $PYTHON is $("$PYTHON" -V): set PYTHON to a newer one"
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$PYTHON has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)"
        echo "installing the packages of requirements.txt into $VENV/ (some minutes, 7 GB)"
        [[ -x $VENV/bin/python ]] || "$PYTHON" -m venv "$VENV" ||
            fail "$PYTHON could not make the virtual environment $VENV/ (see above)"
        # Editable: `lowrecall`, and imports from any folder.
        "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt -e . ||
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

# A path as seen from the repository, where everything runs.
from_caller() {
    if [[ $1 == /* || $CALLER == "$PWD" ]]; then printf '%s\n' "$1"; else printf '%s\n' "${CALLER%/}/$1"; fi
}

demo() {
    local data=datasets/demo runs=runs/demo models=demo/models split names=(lxmert clip xvlm) rankings
    local captions=() surprise=()
    run -m demo.render --output_dir $data
    run -m preprocess.splits --karpathy_json $data/dataset_coco.json --output_dir $data --minival_size 40
    for split in train val test; do
        run -m preprocess.write_images --split_file $data/$split.json --image_root $data/images \
            --output $data/${split}_images.h5
    done
    for split in train val test; do
        run -m preprocess.extract_features --split_file $data/$split.json \
            --image_root $data/images --weights $models/detector --output $data/${split}_features.h5
    done
    run -m information_retrieval.train --model_name_or_path $models/lxmert --data_dir $data \
        --output_dir $runs/lxmert --num_train_epochs 3 --learning_rate 1e-4
    rank_demo $runs/lxmert lxmert
    rank_demo $models/clip clip
    rank_demo $models/xvlm xvlm
    if [[ -n ${1:-} ]]; then
        # shellcheck source=demo/systems.sh
        source demo/systems.sh
        other_systems
        caption_and_ask
    fi
    rankings=("${names[@]/%//test.npz}") rankings=("${rankings[@]/#/$runs/}")
    run -m error_analysis.all --rankings "${rankings[@]}" \
        --split_file $data/test.json --train_split_file $data/train.json \
        --images $data/test_images.h5 --features $data/test_features.h5 --region_models lxmert \
        --instances $data/annotations/instances_val2014.json --probe_models clip xvlm --output $runs \
        ${captions[@]+"${captions[@]}"} ${surprise[@]+"${surprise[@]}"}
    run -m demo.kinds --rankings "${rankings[@]}" \
        --split_file $data/test.json --kinds $data/annotations/caption_kinds.json \
        ${surprise[@]+"${surprise[@]}"}
    printf '\nDone. Open %s/%s/report/index.html in a browser.\n' "$PWD" $runs
}

# With the variables of `demo`: rank by a model, under a name, a split (test), with more options.
rank_demo() {
    local split=${3:-test}
    run -m information_retrieval.evaluate --model_name_or_path "$1" --data_dir $data --split "$split" \
        --protocol full --output "$runs/$2/$split.npz" "${@:4}"
}

coco() {
    local dataset=coco data=datasets/coco steps=() features= weights= only_preflight= step path
    local detector=unc-nlp/frcnn-vg-finetuned images= karpathy= needs=() downloads=() models skip=()
    local split_names=(test val train) splits_from
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
                path=$(from_caller "$2")
                case $1 in
                    --steps) IFS=', ' read -ra steps <<<"$2" ;;
                    --data_dir) data=$path ;;
                    --detector) detector=$2 && [[ ! -e $path ]] || detector=$path ;;
                    --image_root) images=$path && needs+=("$1" "$path") downloads+=("$1" "$path") ;;
                    --karpathy_json) karpathy=$path && needs+=("$1" "$path") downloads+=("$1" "$path") ;;
                    --checksums) needs+=("$1" "$path") downloads+=("$1" "$path") ;;
                    *) downloads+=("$1" "$2") ;;
                esac
                shift
                ;;
            *) fail "unknown option $1 (see bash setup.sh --help)" ;;
        esac
        shift
    done
    make_environment
    images=${images:-$data/images} splits_from=(--karpathy_json "${karpathy:-$data/dataset_coco.json}")
    models=(unc-nlp/lxmert-base-uncased openai/clip-vit-base-patch32)
    [[ -e $detector ]] || models+=("$detector")
    if ((${#steps[@]} == 0)); then
        steps=(download splits images)
        ! has_gpu || features=1
    fi
    steps+=(${weights:+weights} ${features:+features})
    run -m preprocess.coco_preflight --data_dir "$data" --steps "${steps[@]}" ${needs[@]+"${needs[@]}"}
    [[ -z $only_preflight ]] || return 0
    for step in download weights splits images features; do
        [[ " ${steps[*]} " != *" $step "* ]] || data_step "$step"
    done
    printf '\nDone: %s/.\n' "$data"
    [[ -e $data/test_features.h5 ]] || cat <<'TEXT'
For LXMERT, features are left: on a GPU (7 days on 2 CPU cores), the same command with
--steps features, or, as an array of tasks, slurm/ or docs/features.md.
TEXT
}

flickr30k() {
    local dataset=flickr30k data=datasets/flickr30k steps=() features= step path
    local detector=unc-nlp/frcnn-vg-finetuned images= karpathy= downloads=() skip=()
    local split_names=(test val train) splits_from
    while (($#)); do
        case $1 in
            --features) features=1 ;;
            --skip_damaged) skip=("$1") downloads+=("$1") ;;
            --steps | --data_dir | --image_root | --karpathy_json | --detector | --karpathy_url | --checksums)
                (($# > 1)) || fail "$1 needs a value (see bash setup.sh --help)"
                path=$(from_caller "$2")
                case $1 in
                    --steps) IFS=', ' read -ra steps <<<"$2" ;;
                    --data_dir) data=$path ;;
                    --detector) detector=$2 && [[ ! -e $path ]] || detector=$path ;;
                    --image_root) images=$path && downloads+=("$1" "$path") ;;
                    --karpathy_json) karpathy=$path && downloads+=("$1" "$path") ;;
                    --checksums) downloads+=("$1" "$path") ;;
                    *) downloads+=("$1" "$2") ;;
                esac
                shift
                ;;
            *) fail "unknown option $1 (see bash setup.sh --help)" ;;
        esac
        shift
    done
    [[ -n $images ]] || fail "flickr30k needs --image_root DIR, the folder of its images: from the" \
        "University of Illinois by the form https://forms.illinois.edu/sec/229675, or from Kaggle's" \
        "hsankesara/flickr-image-dataset (docs/flickr30k.md)"
    for step in ${steps[@]+"${steps[@]}"}; do
        [[ " download splits images features " == *" $step "* ]] ||
            fail "--steps: expected some of download, splits, images, features, found $step"
    done
    make_environment
    splits_from=(--karpathy_json "${karpathy:-$data/dataset_flickr30k.json}")
    if ((${#steps[@]} == 0)); then
        steps=(download splits images)
        ! has_gpu || features=1
    fi
    steps+=(${features:+features})
    for step in download splits images features; do
        [[ " ${steps[*]} " != *" $step "* ]] || data_step "$step"
    done
    printf '\nDone: %s/.\n' "$data"
}

vizwiz() {
    local dataset=vizwiz data=datasets/vizwiz steps=() images= annotations= downloads=() skip=()
    local split_names=(val minival train) splits_from step path
    while (($#)); do
        case $1 in
            --verify) downloads+=("$1") ;;
            --skip_damaged) skip=("$1") downloads+=("$1") ;;
            --steps | --data_dir | --image_root | --annotations | --mirror)
                (($# > 1)) || fail "$1 needs a value (see bash setup.sh --help)"
                path=$(from_caller "$2")
                case $1 in
                    --steps) IFS=', ' read -ra steps <<<"$2" ;;
                    --data_dir) data=$path ;;
                    --image_root) images=$path && downloads+=("$1" "$path") ;;
                    --annotations) annotations=$path && downloads+=("$1" "$path") ;;
                    *) downloads+=("$1" "$2") ;;
                esac
                shift
                ;;
            *) fail "unknown option $1 (see bash setup.sh --help)" ;;
        esac
        shift
    done
    for step in ${steps[@]+"${steps[@]}"}; do
        [[ " download splits images " == *" $step "* ]] ||
            fail "--steps: expected some of download, splits, images, found $step"
    done
    make_environment
    images=${images:-$data/images} annotations=${annotations:-$data/annotations}
    splits_from=(--vizwiz_captions "$annotations/train.json" "$annotations/val.json")
    ((${#steps[@]})) || steps=(download splits images)
    for step in download splits images; do
        [[ " ${steps[*]} " != *" $step "* ]] || data_step "$step"
    done
    printf '\nDone: %s/.\n' "$data"
}

# One step, with the variables of `coco`, `flickr30k` or `vizwiz`.
data_step() {
    local split
    case $1 in
        download)
            run -m "preprocess.download_$dataset" --data_dir "$data" ${downloads[@]+"${downloads[@]}"}
            ;;
        weights) run -m preprocess.download_weights --models "${models[@]}" ;;
        splits) run -m preprocess.splits "${splits_from[@]}" --output_dir "$data" ;;
        images)
            for split in "${split_names[@]}"; do
                run -m preprocess.write_images --split_file "$data/$split.json" \
                    --image_root "$images" --output "$data/${split}_images.h5" ${skip[@]+"${skip[@]}"}
            done
            ;;
        features)
            for split in "${split_names[@]}"; do
                run -m preprocess.extract_features --split_file "$data/$split.json" --image_root "$images" \
                    --weights "$detector" --output "$data/${split}_features.h5" ${skip[@]+"${skip[@]}"}
            done
            ;;
    esac
}

has_gpu() {
    "$VENV/bin/python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'
}

# In two processes, each with one thread: half of the time is spent waiting for other processes.
run_tests() {
    local long=()
    [[ ${1:-} != --all ]] || { long=(-m "") && shift; }
    OMP_NUM_THREADS=1 "$VENV/bin/python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
        ${long[@]+"${long[@]}"} "$@"
}

verb=${1:---help}
shift || true
case $verb in
    -h | --help | help) usage ;;
    demo)
        [[ $# == 0 || $* == --all ]] || fail "demo takes no option but --all, found: $*"
        make_environment
        demo "$@"
        ;;
    test)
        make_environment
        run_tests "$@"
        ;;
    coco) coco "$@" ;;
    flickr30k) flickr30k "$@" ;;
    vizwiz) vizwiz "$@" ;;
    *) fail "unknown verb $verb (demo, test, coco, flickr30k or vizwiz; see bash setup.sh --help)" ;;
esac
