# Your cluster and your experiments: edit this file, the others need no change.
# Sourced, in the repository root, by reproduce.sh and by each job when it starts.

# What sbatch takes from the environment; leave out what the cluster chooses by itself.
# A job that needs longer than its time goes on by itself.
#export SBATCH_PARTITION=gpu
#export SBATCH_ACCOUNT=my_project
#export SBATCH_QOS=normal
#export SBATCH_TIMELIMIT=24:00:00

# sbatch's options for jobs of whole nodes (fine-tuning, scoring: a process a GPU), for a shard of
# the features, and for jobs without a GPU. CPUs and memory in any of Slurm's ways: --cpus-per-task
# or --cpus-per-gpu, --mem or --mem-per-gpu, --exclusive. --nodes=2 runs the first on two nodes.
# The total batch grows with the GPUs: LXMERT's 32 pairs on each are 256 on 8 and 512 on two nodes.
NODE_JOB=(--nodes=1 --gpus-per-node=8 --cpus-per-gpu=8 --mem-per-gpu=40G)
SHARD_JOB=(--gpus-per-node=1 --cpus-per-gpu=8 --mem-per-gpu=40G)
CPU_JOB=(--cpus-per-task=8 --mem=40G)

# The software: modules, the environment of setup.sh, where hub downloads are kept.
#module load cuda
VENV=${VENV:-venv}
[[ ! -f $VENV/bin/activate ]] || source "$VENV/bin/activate"
#export HF_HOME=/scratch/$USER/huggingface HF_HUB_OFFLINE=1
#export NCCL_SOCKET_IFNAME=ib0

# Data and results, on a file system that all nodes share.
DATA_DIR=datasets/coco
FLICKR30K_DIR=datasets/flickr30k
IMAGE_ROOT=datasets/coco/images
INSTANCES=datasets/coco/annotations/instances_val2014.json
RUN_DIR=runs

# The experiments. Scoring by 5k has the numbers of 1k and 5fold too; the first protocol is the
# one whose failures are analysed.
PROTOCOLS=(1k 5k)
NUM_SHARDS=8
DETECTOR=unc-nlp/frcnn-vg-finetuned
LXMERT=unc-nlp/lxmert-base-uncased
CLIP=openai/clip-vit-base-patch32
# A total of 256 on another number of GPUs: on 4, --per_device_train_batch_size 64, or where that is
# too much for their memory --gradient_accumulation_steps 2; on 16, --per_device_train_batch_size 16.
LXMERT_OPTIONS=()
CLIP_OPTIONS=(--per_device_train_batch_size 64 --num_train_epochs 5)
# X-VLM (docs/xvlm.md): an official pre-trained file, or without one what it is initialised with and
# the regions it is pre-trained on; what pre-training and fine-tuning begin as, the latter for images
# of so many pixels; and the published settings of 8 GPUs.
XVLM_CHECKPOINT=
XVLM_IMAGE=microsoft/swin-base-patch4-window7-224-in22k
XVLM_TEXT=google-bert/bert-base-uncased
XVLM_REGIONS=datasets/coco/train_regions.json
XVLM_INIT=runs/xvlm_init
XVLM=runs/xvlm_384
XVLM_SIZE=384
XVLM_PRETRAINING=(--learning_rate 1e-4 --weight_decay 0.01 --adam_beta2 0.98 --warmup_steps 2500
    --per_device_train_batch_size 128 --num_train_epochs 40 --score itc)
XVLM_OPTIONS=(--learning_rate 3e-5 --weight_decay 0.01 --adam_beta2 0.98 --warmup_steps 0.1
    --max_grad_norm 0 --per_device_train_batch_size 20 --num_train_epochs 10 --fp16 false)
# Sx3HRe (docs/sx3hre.md): what its students begin as, teacher and its vectors, the protocol by which
# DATA_DIR's test split is ranked, and the published settings, 512 pairs in all on 8 GPUs.
SX3HRE_IMAGE=facebook/data2vec-vision-base
SX3HRE_TEXT=google-bert/bert-base-uncased
SX3HRE_TEACHER=runs/beit2
SX3HRE_TARGETS=datasets/coco/train_targets.h5
SX3HRE_SEEDS=${SX3HRE_SEEDS:-42 43 44}
SX3HRE_PROTOCOL=5k
SX3HRE_OPTIONS=(--learning_rate 2e-4 --weight_decay 0.01 --adam_beta2 0.98 --adam_epsilon 1e-6
    --warmup_steps 0.1 --lr_scheduler_type cosine --max_grad_norm 0 --num_train_epochs 7
    --per_device_train_batch_size 64 --dataloader_num_workers 6)
# Captioners (docs/captioning.md): the data (the paper's: datasets/vizwiz, split val), the image
# encoder and which of its outputs, the split that is reported, and options; batches of 32 in all on
# one GPU, as the paper's.
CAPTIONS_DIR=${CAPTIONS_DIR:-$DATA_DIR}
CAPTIONER_ENCODER=${CAPTIONER_ENCODER:-$CLIP}
CAPTIONER_KIND=${CAPTIONER_KIND:-embedding}
CAPTIONER_RUN=${CAPTIONER_RUN:-$RUN_DIR/clip_lstm}
CAPTIONER_SPLIT=${CAPTIONER_SPLIT:-test}
CAPTIONER_OPTIONS=(--num_train_epochs 5)

# Jobs that are interrupted are queued again, at most this often, if they ran at least so long.
MAX_RESTARTS=50
MIN_SECONDS=60
# Processes on a node; by default its GPUs.
#PROCESSES_PER_NODE=8
# Where the processes of several nodes meet; by default the first node of the job.
#RENDEZVOUS_HOST=node0
