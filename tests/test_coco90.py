"""The whole chain on 90 real COCO images, command by command, with the demo's small models."""

import json
from pathlib import Path

import pytest

import error_analysis.comparison
import error_analysis.mining
import error_analysis.report
import information_retrieval.evaluate
import information_retrieval.train
import preprocess.extract_features
import preprocess.splits
import preprocess.write_images
from preprocess.captions.split_file import read_split

MODELS = Path(__file__).resolve().parents[1] / "demo" / "models"


@pytest.fixture
def coco90(shared_data):
    return shared_data / "coco90"


@pytest.mark.long
def test_real_images_and_captions_go_from_annotations_to_a_report(coco90, tmp_path, run_main):
    data, runs = tmp_path / "datasets", tmp_path / "runs"

    def run(module, *arguments):
        assert run_main(module.main, *arguments) == 0

    run(
        preprocess.splits,
        *("--karpathy_json", coco90 / "dataset_coco.json", "--output_dir", data),
        *("--minival_size", 5),
    )
    sizes = {path.stem: len(read_split(path).images) for path in data.glob("*.json")}
    assert sizes == {"train": 48, "val": 9, "minival": 5, "test": 33}

    for split in ("train", "val", "test"):
        source = ("--split_file", data / f"{split}.json", "--image_root", coco90 / "images")
        run(preprocess.write_images, *source, "--output", data / f"{split}_images.h5")
        run(
            preprocess.extract_features,
            *source,
            *("--weights", MODELS / "detector", "--output", data / f"{split}_features.h5"),
        )
    run(
        information_retrieval.train,
        *("--model_name_or_path", MODELS / "lxmert", "--data_dir", data),
        *("--output_dir", runs / "lxmert", "--num_train_epochs", 2, "--learning_rate", "1e-4"),
        *("--use_cpu", "--disable_tqdm", "True"),
    )
    for name, checkpoint in (("lxmert", runs / "lxmert"), ("clip", MODELS / "clip")):
        run(
            information_retrieval.evaluate,
            *("--model_name_or_path", checkpoint, "--data_dir", data, "--protocol", "full"),
            *("--output", runs / name / "test.npz"),
        )
        metrics = json.loads((runs / name / "metrics.json").read_text())
        assert 0 < metrics["metrics"]["rsum"] < 600

    rankings = [runs / name / "test.npz" for name in ("lxmert", "clip")]
    test = ("--split_file", data / "test.json")
    run(error_analysis.mining, "--rankings", rankings[0], *test, "--output", runs / "hard.json")
    run(error_analysis.comparison, "--rankings", *rankings, *test, "--output", runs / "both.json")
    run(
        error_analysis.report,
        *("--rankings", *rankings, *test, "--images", data / "test_images.h5"),
        *("--output", runs / "report"),
    )
    hard = json.loads((runs / "hard.json").read_text())
    assert hard["t2i"]["hard"]
    captions = {caption.strip() for caption in read_split(data / "test.json").captions}
    assert all(query["query"].strip() in captions for query in hard["t2i"]["hard"])
    assert "Where lxmert and clip fail" in (runs / "report" / "index.html").read_text()
    pictures = list((runs / "report" / "pictures").glob("*.webp"))
    assert len(pictures) == len(read_split(data / "test.json").images)
