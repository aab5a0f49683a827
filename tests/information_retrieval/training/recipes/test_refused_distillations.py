"""Bad input to training an Sx3HRe: one clear line each, before anything is written."""

import shutil
from dataclasses import replace

import h5py
import pytest

from information_retrieval.models.checkpoint import load_config
from information_retrieval.models.sx3hre.initialisation import processor_of
from preprocess.captions.split_file import Split, read_split, write_split
from preprocess.encoders.image_encoder import load_image_encoder
from preprocess.storage.images_file import write_images_file
from tests.conftest import (
    assert_one_clear_line,
    save_clip,
    save_lxmert,
    write_image_files,
    write_images_of,
)
from tests.information_retrieval.models.sx3hre.tiny import SIDE, save_sx3hre, tokenizer_for
from tests.information_retrieval.models.xvlm.tiny import save_xvlm
from tests.information_retrieval.training.small_distillation import Distillation, cache_targets
from tests.preprocess.encoders.tiny_beit import published_state, save_beit


@pytest.fixture
def small(tmp_path, data_dir, run_main) -> Distillation:
    return Distillation(tmp_path, data_dir, run_main)


@pytest.fixture
def refused(small):
    """Train with cached targets, or what the options say, and check the line."""

    def check(options: list, *expected, source: tuple | None = None) -> None:
        status, output = small.run(*(source or ("--targets", small.targets)), *options)
        assert_one_clear_line(status, *expected)
        assert not output.parent.exists()

    return check


@pytest.mark.parametrize("alignment", ["itc", "cosine"])
def test_a_batch_of_one_has_nothing_to_compare(refused, alignment):
    one = ["--alignment", alignment, "--per_device_train_batch_size", 1]
    refused(one, "--per_device_train_batch_size", "expected at least 2, found 1")


def test_without_alignment_a_batch_of_one_is_enough(small):
    options = ["--targets", small.targets, *small.arm("none"), "--max_steps", 2]
    assert small.run(*options, "--per_device_train_batch_size", 1)[0] == 0


def only_first_image(small: Distillation, n_captions: int) -> Split:
    """Make the training split one image of some captions."""
    split = read_split(small.data / "train.json")
    first = split.images[0]
    captions = tuple(replace(first.captions[0], caption_id=n) for n in range(n_captions))
    split = replace(split, images=(replace(first, captions=captions),))
    write_split(small.data / "train.json", split)
    return split


@pytest.mark.parametrize("alignment", ["itc", "cosine"])
def test_a_split_of_one_image_has_nothing_to_compare(refused, small, alignment):
    only_first_image(small, 5)
    refused(["--alignment", alignment], "train", "at least two images, to be compared, found 1")


def test_without_alignment_one_image_is_enough(small):
    only_first_image(small, 5)
    small.trained("--targets", small.targets, *small.arm("none"))


def test_a_batch_that_shows_one_image_stops_training_with_a_line(small):
    split = read_split(small.data / "train.json")
    first, second, *_ = split.images
    captions = tuple(replace(first.captions[0], caption_id=n) for n in range(4))
    images = (replace(first, captions=captions), replace(second, captions=second.captions[:1]))
    write_split(small.data / "train.json", replace(split, images=images))
    in_order = ["--train_sampling_strategy", "sequential", *small.arm("cosine")]
    status, _ = small.run("--targets", small.targets, *in_order)
    assert_one_clear_line(
        status, "a batch of 4 pairs shows one image alone", "--per_device_train_batch_size"
    )


def test_fewer_pairs_than_a_batch(refused, small):
    n_captions = len(read_split(small.data / "train.json").captions)
    options = ["--alignment", "none", "--per_device_train_batch_size", 99]
    refused(options, "batches of 99 pairs", "train", f"has {n_captions}", "lower it")


def test_a_teacher_of_another_width(refused, small, tmp_path):
    wide = save_beit(tmp_path / "wide", published_state(width=36))
    told = ("expected vectors of the student's 24 numbers, found 36", "init_sx3hre")
    refused(["--alignment", "none"], f"--teacher {wide}", *told, source=("--teacher", wide))
    targets = cache_targets(wide, small.data / "train_images.h5", tmp_path / "wide.h5")
    refused(["--alignment", "none"], targets, *told, source=("--targets", targets))


def test_targets_of_other_images(refused, small, tmp_path):
    split = read_split(small.data / "train.json")
    arm = ["--alignment", "none"]
    # Of other ids.
    of_val = cache_targets(small.teacher, small.data / "val_images.h5", tmp_path / "val.h5")
    refused(arm, of_val, f"image {split.image_ids[0]}", source=("--targets", of_val))
    # Of the same ids, and other pictures.
    cached = small.targets
    write_image_files(small.data / "images", split, seed=99)
    write_images_of(small.data, "train")
    told = ("found those of other images by the same ids", "preprocess.encode_images")
    refused(arm, cached, *told, source=("--targets", cached))


def test_targets_that_are_another_output_of_the_teacher(refused, small):
    with h5py.File(small.targets, "r+") as file:
        file.attrs.modify("kind", "tokens")
    told = (
        small.targets,
        "expected encodings of the kind vector, found tokens by",
        "--kind vector",
    )
    refused(["--alignment", "none"], *told, source=("--targets", small.targets))


def test_targets_of_another_teacher(refused, small, tmp_path):
    other = save_beit(tmp_path / "other", published_state(seed=5))
    arm = ["--alignment", "none"]
    told = (small.targets, f"expected targets by --teacher {other}", "found those by teacher")
    refused(arm, *told, source=("--targets", small.targets, "--teacher", other))


def test_a_student_that_another_teacher_trained_goes_on_with_a_warning(small, tmp_path, capsys):
    small.student = small.trained("--targets", small.targets, *small.arm("none"), output="first")
    other = save_beit(tmp_path / "other", published_state(seed=5))
    targets = cache_targets(other, small.data / "train_images.h5", tmp_path / "other.h5")
    for named, source in ((targets, "--targets"), (other, "--teacher")):
        output = small.trained(source, named, *small.arm("none"), output=source)
        assert f"{named}: the student was trained with another teacher" in capsys.readouterr().err
        assert load_config(str(output)).teacher == load_image_encoder(str(other)).revision


def test_a_teacher_that_reads_other_pixels(refused, small, tmp_path):
    arm = ["--alignment", "none"]
    larger = save_beit(tmp_path / "larger", published_state(grid=4))
    told = ("reads 32 pixels a side", "the student 24", "preprocess.encode_images", "--targets")
    refused(arm, f"--teacher {larger}", *told, source=("--teacher", larger))
    # But what it says of them can be cached.
    targets = cache_targets(larger, small.data / "train_images.h5", tmp_path / "larger.h5")
    small.trained("--targets", targets, *small.arm("none"))
    shutil.rmtree(small.folder / "runs")
    processor = processor_of(tokenizer_for("bert", tmp_path / "words"), SIDE)
    processor.image_processor.image_std = [0.5, 0.5, 0.5]
    processor.save_pretrained(small.student)
    refused(arm, "normalised by", "0.5", "--targets", source=("--teacher", small.teacher))


def test_targets_that_are_missing_unfinished_or_no_targets(refused, small, tmp_path):
    arm = ["--alignment", "none"]
    none = tmp_path / "none.h5"
    refused(arm, none, "no such file", "preprocess.encode_images", source=("--targets", none))
    images = small.data / "train_images.h5"
    refused(arm, images, source=("--targets", images))
    with h5py.File(small.targets, "r+") as file:
        file.attrs["complete"] = False
    refused(arm, small.targets, "preprocess.encode_images")


def test_a_teacher_that_is_none(refused, tmp_path):
    none = tmp_path / "none"
    arm = ["--alignment", "none"]
    refused(arm, none, "expected an HF checkpoint folder", source=("--teacher", none))
    lxmert = save_lxmert(tmp_path / "lxmert")
    told = "is no image encoder that is supported"
    refused(arm, f"{lxmert}: model type 'lxmert' {told}", source=("--teacher", lxmert))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cosine_margin", 1.5], "--cosine_margin: expected a value in [-1, 1], found 1.5"),
        (["--cosine_margin", "nan"], "--cosine_margin: expected a value in [-1, 1], found nan"),
        (["--cosine_weight", -1], "--cosine_weight: expected a value of at least 0, found -1"),
        (["--cosine_weight", "inf"], "--cosine_weight: expected a value of at least 0, found inf"),
        (["--cosine_weight", "nan"], "--cosine_weight: expected a value of at least 0, found nan"),
    ],
)
def test_numbers_out_of_range(refused, options, told):
    refused(["--alignment", "cosine", *options], told)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--alignment", "none", "--cosine_margin", 0.1], "--cosine_margin: no option of"),
        (["--alignment", "itc", "--cosine_weight", 2], "--cosine_weight: no option of"),
        (
            ["--alignment", "itc", "--compared", "output"],
            "--compared: no option of --alignment itc",
        ),
        (["--alignment", "none", "--margin", 0.1], "--margin: no option of the distillation"),
        (["--alignment", "none", "--freeze", "image"], "--freeze: no option of the distillation"),
        (["--alignment", "none", "--formulation", "contrastive"], "say distillation"),
        (["--alignment", "none", "--score", "itc"], "--score itc: for an X-VLM"),
    ],
)
def test_options_of_another_arm_or_model(refused, options, told):
    refused(options, told)


def test_no_arm_and_no_teacher(refused):
    refused([], "--alignment: an sx3hre model needs one of itc, none, cosine; found none")
    told = ("--teacher, --targets", "preprocess.encode_images", "found neither")
    refused(["--alignment", "none"], *told, source=("--seed", 1))


@pytest.mark.parametrize(
    ("save", "kind"), [(save_lxmert, "lxmert"), (save_clip, "clip"), (save_xvlm, "xvlm")]
)
def test_the_options_of_distillation_are_no_other_models(refused, small, tmp_path, save, kind):
    small.student = save(tmp_path / kind)
    for option in (["--alignment", "none"], ["--teacher", "x"], ["--targets", "x"]):
        refused(option, f"{option[0]}: no option of the", f"a {kind} model", source=("--seed", 1))
    told = f"--formulation distillation: a {kind} model is not trained so"
    refused(["--formulation", "distillation"], told, source=("--seed", 1))


def test_images_that_lack_an_image(refused, small):
    split = read_split(small.data / "train.json")
    cached = small.targets
    encoded = [(small.data / "images" / i.file_name).read_bytes() for i in split.images]
    path = small.data / "train_images.h5"
    write_images_file(path, split.image_ids[:-1], encoded[:-1])
    last = f"image {split.image_ids[-1]}"
    refused(["--alignment", "none"], path, last, source=("--teacher", small.teacher))
    path.unlink()
    refused(["--alignment", "none"], path, "preprocess.write_images", source=("--targets", cached))


def test_a_checkpoint_that_lacks_weights_of_its_arm(refused, small):
    contrastive = save_sx3hre(small.folder / "itc", alignment="itc")
    shutil.copy(contrastive / "config.json", small.student / "config.json")
    refused(["--alignment", "itc"], small.student, "weights of Sx3hreInTraining", "head.")


def test_captions_that_are_too_long_are_cut_or_refused(refused, small, capsys):
    split = read_split(small.data / "train.json")
    first = split.images[0]
    long = replace(first.captions[0], caption="a " * 100)
    images = (replace(first, captions=(long, *first.captions[1:])), *split.images[1:])
    write_split(small.data / "train.json", replace(split, images=images))
    refused(["--alignment", "none", "--long_captions", "error"], "102 tokens", "64 positions")
    small.trained("--targets", small.targets, *small.arm("none"))
    assert f"64 tokens, and are cut: {long.caption_id}" in capsys.readouterr().err
