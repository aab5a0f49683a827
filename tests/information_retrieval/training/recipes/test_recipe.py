"""Bad input to fine-tuning: one clear line each, before anything is written."""

import numpy as np
import pytest
from transformers import BertConfig, BertModel

from information_retrieval.ranking.top_rankings import TopRankings, write_top_rankings
from information_retrieval.train import main
from information_retrieval.training.paper_arguments import PaperTrainingArguments
from preprocess.captions.split_file import Split, read_split, write_split
from preprocess.storage.images_file import write_images_file
from tests.conftest import (
    assert_one_clear_line,
    bert_tokenizer,
    make_split,
    save_clip,
    save_lxmert,
    write_features,
    write_images_of,
)
from tests.image_readers import save_image_reader


@pytest.fixture
def refused(data_dir, tmp_path, run_main):
    """Train a checkpoint; the command stops with a line of the given parts, and writes nothing."""

    def check(checkpoint, options, *expected):
        output = tmp_path / "runs" / "refused"
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", data_dir, "--use_cpu"]
        arguments += ["--output_dir", output, "--disable_tqdm", "True"]
        assert_one_clear_line(run_main(main, *arguments, *options), *expected)
        assert not output.parent.exists()

    return check


@pytest.fixture
def lxmert(tmp_path):
    return save_lxmert(tmp_path / "lxmert")


@pytest.fixture
def clip(tmp_path, data_dir):
    for name in ("train", "val"):
        write_images_of(data_dir, name)
    return save_clip(tmp_path / "clip")


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_a_share_of_unaligned_pairs_outside_its_range(refused, lxmert, share):
    refused(lxmert, ["--prob_unaligned", share], "--prob_unaligned", "[0, 1)", share)


def test_an_order_of_pairs_that_hf_has_for_other_datasets(refused, lxmert):
    options = ["--train_sampling_strategy", "batch_rebalance"]
    refused(lxmert, options, "--train_sampling_strategy", "group_by_length")


def test_several_gpus_in_one_process(refused, lxmert, monkeypatch):
    monkeypatch.setattr(PaperTrainingArguments, "n_gpu", 2)
    refused(lxmert, [], "2 GPUs in one process", "torchrun --nproc_per_node 2")


def test_a_margin_that_is_none_and_no_violations(refused, lxmert):
    contrastive = ["--formulation", "contrastive"]
    refused(lxmert, [*contrastive, "--margin", 0], "--margin", "above 0")
    refused(lxmert, [*contrastive, "--top_k_violations", 0], "--top_k_violations", "at least 1")


def top_rankings_of(split: Split) -> TopRankings:
    n_images, n_captions = len(split.images), len(split.captions)
    return TopRankings(
        captions=np.zeros((n_images, 1), np.int64),
        images=np.zeros((n_captions, 1), np.int64),
        caption_scores=np.zeros((n_images, 1), np.float32),
        image_scores=np.zeros((n_captions, 1), np.float32),
        image_ids=split.image_ids,
        caption_ids=split.caption_ids,
        metadata={"split_sha256": split.sha256},
    )


def test_hard_negatives_of_another_split(refused, lxmert, data_dir, tmp_path):
    path = tmp_path / "top.npz"
    write_top_rankings(path, top_rankings_of(read_split(data_dir / "test.json")))
    refused(lxmert, ["--hard_negatives", path], path, "another split", "rank_top")
    refused(lxmert, ["--hard_negatives", tmp_path / "none.npz"], "none.npz", "no such file")


def test_a_batch_of_one_has_nothing_to_compare(refused, lxmert, clip):
    one = ["--per_device_train_batch_size", 1]
    expected = ("--per_device_train_batch_size", "expected at least 2, found 1")
    refused(lxmert, [*one, "--formulation", "contrastive"], *expected)
    refused(clip, one, *expected)


def test_features_that_lack_an_image(refused, lxmert, data_dir):
    train = read_split(data_dir / "train.json")
    (data_dir / "train_features.h5").unlink()
    write_features(data_dir / "train_features.h5", train.first(7))
    refused(lxmert, [], "train_features.h5", f"image {train.image_ids[7]}")


def test_features_of_minival_that_lack_an_image(refused, lxmert, data_dir):
    minival = read_split(data_dir / "minival.json")
    (data_dir / "val_features.h5").unlink()
    write_features(data_dir / "val_features.h5", minival.first(3))
    refused(lxmert, [], "val_features.h5", f"image {minival.image_ids[3]}")


def lacking_the_last(split: Split) -> tuple[np.ndarray, list[bytes]]:
    return split.image_ids[:-1], [b"no image"] * (len(split.images) - 1)


@pytest.mark.parametrize(("name", "split_name"), [("train", "train"), ("val", "minival")])
def test_images_that_lack_an_image(refused, clip, data_dir, name, split_name):
    split = read_split(data_dir / f"{split_name}.json")
    write_images_file(data_dir / f"{name}_images.h5", *lacking_the_last(split))
    refused(clip, [], f"{name}_images.h5", f"image {split.image_ids[-1]}")


def test_a_missing_images_file_says_how_to_make_it(refused, clip, data_dir):
    (data_dir / "train_images.h5").unlink()
    refused(clip, [], "train_images.h5", "no such file", "preprocess.write_images")


def test_fewer_than_two_images(refused, lxmert, clip, data_dir):
    write_split(data_dir / "train.json", make_split(1, first_id=1000))
    for checkpoint in (lxmert, clip):
        refused(checkpoint, [], "at least two images", "found 1")


def test_a_checkpoint_of_another_architecture(refused, tmp_path):
    folder = tmp_path / "bert"
    tokenizer = bert_tokenizer(folder)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=40, intermediate_size=8, **sizes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    refused(folder, [], folder, "unknown model type 'bert'")
    refused(tmp_path / "none", [], "none", "expected an HF checkpoint folder or hub id")


@pytest.mark.parametrize("formulation", ["binary", "contrastive"])
def test_weights_of_other_shapes_than_the_configuration(refused, tmp_path, formulation):
    folder = save_lxmert(tmp_path / "lxmert")
    other = save_lxmert(tmp_path / "other", hidden_size=16)
    (other / "model.safetensors").replace(folder / "model.safetensors")
    refused(folder, ["--formulation", formulation], folder, "weights")


def test_features_of_another_dimension(refused, tmp_path):
    checkpoint = save_lxmert(tmp_path / "lxmert", visual_feat_dim=24)
    refused(checkpoint, [], "train_features.h5", "24")


def test_clip_has_no_matching_head(refused, clip):
    refused(clip, ["--formulation", "binary"], "--formulation binary", "clip", "contrastive")


@pytest.mark.parametrize(
    ("kind", "options", "option"),
    [
        ("lxmert", ["--margin", 0.1], "--margin"),
        ("lxmert", ["--top_k_violations", 2], "--top_k_violations"),
        ("lxmert", ["--matching_score", "cosine"], "--matching_score"),
        ("lxmert", ["--freeze", "image"], "--freeze"),
        ("lxmert", ["--formulation", "contrastive", "--prob_unaligned", 0.5], "--prob_unaligned"),
        ("lxmert", ["--formulation", "contrastive", "--hard_negatives", "x"], "--hard_negatives"),
        ("clip", ["--prob_unaligned", 0.5], "--prob_unaligned"),
        ("clip", ["--margin", 0.1], "--margin"),
        ("clip", ["--hard_share", 0.1], "--hard_share"),
    ],
)
def test_an_option_that_would_not_be_heeded(refused, lxmert, clip, kind, options, option):
    checkpoint = {"lxmert": lxmert, "clip": clip}[kind]
    formulation = "binary" if kind == "lxmert" and "contrastive" not in options else "contrastive"
    refused(checkpoint, options, f"{option}: no option of the {formulation} formulation", kind)


@pytest.mark.parametrize("kind", ["vilt", "blip"])
def test_cross_encoders_of_images_are_not_fine_tuned(refused, tmp_path, kind):
    checkpoint = save_image_reader(tmp_path / kind, kind)
    refused(checkpoint, [], "fine-tuning is for LXMERT, X-VLM, Sx3HRe and", f"a {kind} model")
