"""What the trainer adds to HF's: clamped gradients, and the defaults of its options."""

import pytest
import torch
from accelerate.data_loader import BatchSamplerShard
from torch import nn
from torch.utils.data import BatchSampler

from captioning.training.caption_items import FILLER
from captioning.training.trainer import ClampedGradients, FilledUp
from captioning.training.training_arguments import CaptionTrainingArguments


def test_each_number_of_the_gradient_is_clamped():
    model = nn.Linear(2, 1)
    model.weight.grad = torch.tensor([[-7.0, 3.0]])
    ClampedGradients(5.0).on_pre_optimizer_step(None, None, None, model=model)
    assert model.weight.grad.tolist() == [[-5.0, 3.0]]
    assert model.bias.grad is None


@pytest.mark.parametrize("n_items", [8, 7, 5, 1])
def test_an_epoch_of_several_processes_is_each_caption_once(n_items):
    filled = BatchSampler(FilledUp(range(n_items), 4), 2, drop_last=False)
    batches = [list(BatchSamplerShard(filled, 2, process)) for process in range(2)]
    found = [number for of_process in batches for batch in of_process for number in batch]
    assert sorted(n for n in found if n != FILLER) == [*range(n_items)]
    assert len(batches[0]) == len(batches[1]) == -(-n_items // 4)
    assert found.count(FILLER) == -n_items % 4


def test_the_defaults_are_the_papers_training(tmp_path):
    arguments = CaptionTrainingArguments(output_dir=str(tmp_path))
    assert arguments.learning_rate == 1e-3
    assert arguments.weight_decay == 0
    assert arguments.per_device_train_batch_size == 32
    assert arguments.num_train_epochs == 5
    assert arguments.lr_scheduler_type == "constant"
    assert arguments.metric_for_best_model == "CIDEr"
    assert arguments.greater_is_better
    assert not arguments.fp16
