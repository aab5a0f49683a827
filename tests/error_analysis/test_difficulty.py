"""The command that tells what predicts difficulty, and its figure."""

import json

import numpy as np
import pytest

from error_analysis.difficulty import main
from error_analysis.predicting.difficulty_model import predict_difficulty
from error_analysis.predicting.difficulty_plots import weights_figure
from error_analysis.predicting.query_features import QueryFeatures
from information_retrieval.ranking import protocols
from preprocess.captions.split_file import Caption, CaptionedImage, Split, write_split
from tests.conftest import assert_one_clear_line, write_image_files, write_images_of
from tests.error_analysis.scored import save_rankings

N_IMAGES = 40
LONG = "a large red dog sleeps on the green grass near a tree and a small house"


@pytest.fixture
def split() -> Split:
    """Images with a short and a long caption each."""
    images = []
    for i in range(N_IMAGES):
        texts = (f"a dog {'and a cat ' * (i % 3)}", f"{LONG} {'with a boat ' * (i % 4)}")
        captions = tuple(Caption(1000 + 2 * i + j, text) for j, text in enumerate(texts))
        images.append(CaptionedImage(100 + i, f"test/{100 + i}.jpg", captions))
    return Split("tiny", "test", "made by a test", tuple(images))


@pytest.fixture
def scores(split) -> np.ndarray:
    """Short captions are hard: their own image comes last; long ones, and images, are easy."""
    generator = np.random.default_rng(0)
    scores = generator.random((N_IMAGES, 2 * N_IMAGES)).astype(np.float32)
    columns = np.arange(2 * N_IMAGES)
    scores[columns // 2, columns] = np.where(columns % 2, 2, -1)
    return scores


@pytest.fixture
def run(split, scores, tmp_path, run_main):
    folder = tmp_path / "data"
    write_split(folder / "test.json", split)
    path = save_rankings(tmp_path / "clip" / "test.npz", scores, split)
    output = tmp_path / "out" / "difficulty.json"

    def run(*options, rankings=(path,)):
        arguments = ["--rankings", *rankings, "--split_file", folder / "test.json"]
        return run_main(main, *arguments, "--output", output, *options), output

    return run


def test_the_command_finds_that_short_captions_are_hard(run, tmp_path, capsys):
    train = tmp_path / "data" / "test.json"
    status, output = run("--train_split_file", train, "--figures", tmp_path / "figures")
    assert status == 0
    content = json.loads(output.read_text())
    of_model = content["models"]["clip"]
    found = of_model["t2i"]["difficulty"]
    assert (found["queries"], found["hard"], found["images"]) == (80, 40, 40)
    assert found["auc"]["logistic_regression"]["mean"] == 1
    coefficients = {w["feature"]: w["coefficient"]["mean"] for w in found["weights"]}
    assert coefficients["words"] < 0
    assert of_model["i2t"]["difficulty"] is None
    assert "0 of 40 queries, of 0 images, are hard" in of_model["i2t"]["too_few"]
    assert "mean log frequency" in content["metadata"]["features"]["t2i"]
    assert "typo" in content["metadata"]["features"]["t2i"]
    printed = capsys.readouterr().out
    assert "too few to learn from" in printed
    written = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert written == ["difficulty_t2i.pdf", "difficulty_t2i.png"]


def test_images_and_instances_add_features(run, split, tmp_path):
    folder = tmp_path / "data"
    write_image_files(folder / "images", split)
    write_images_of(folder, "test")
    instances = {
        "images": [{"id": i, "width": 64, "height": 48} for i in split.image_ids.tolist()],
        "categories": [{"id": 1, "name": "dog"}],
        "annotations": [{"image_id": 100, "category_id": 1, "bbox": [0, 0, 8, 8]}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(instances))
    options = ("--no_rules", "--images", folder / "test_images.h5", "--instances", path)
    status, output = run(*options)
    assert status == 0
    features = json.loads(output.read_text())["metadata"]["features"]
    assert {"objects", "categories", "sharpness", "chroma", "agreement"} <= set(features["i2t"])
    assert "typo" not in features["t2i"]
    del instances["images"][3]
    path.write_text(json.dumps(instances))
    assert_one_clear_line(run(*options)[0], path, "instances of other images")


def test_folds_are_taken_together(run, split, scores, tmp_path, monkeypatch):
    monkeypatch.setattr(protocols, "FOLD_IMAGES", 20)
    monkeypatch.setattr(protocols, "GALLERY_IMAGES", {"1k": 20, "5fold": 40, "5k": 40})
    path = save_rankings(tmp_path / "f" / "test.npz", scores, split, protocol="5fold")
    status, output = run("--no_rules", rankings=[path])
    assert status == 0
    found = json.loads(output.read_text())["models"]["f"]["t2i"]
    assert found["difficulty"]["queries"] == 80
    assert found["difficulty"]["images"] == 40


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--seed", "-1"], "--seed: expected at least 0"),
        (["--hard_rank", "0"], "--hard_rank: expected at least 1"),
        (["--train_split_file", "none.json"], "none.json: no such file"),
        (["--images", "none.h5"], "none.h5"),
        (["--features", "none.h5"], "none.h5"),
        (["--protocol", "1k"], "protocol 1k takes 1,000 images"),
    ],
)
def test_bad_input_is_one_clear_line(run, options, expected):
    status, output = run(*options)
    assert_one_clear_line(status, expected)
    assert not output.exists()


def test_rankings_of_another_split_are_refused(run, split, scores, tmp_path):
    other = Split("tiny", "test", "another", split.images[::-1])
    path = save_rankings(tmp_path / "other" / "test.npz", scores[::-1, ::-1].copy(), other)
    assert_one_clear_line(run(rankings=[path])[0], path, "belong to another split")


def test_the_figure_has_a_bar_for_each_feature_and_model_with_any_name():
    values = np.random.default_rng(0).normal(size=(100, 3))
    features = QueryFeatures(("one", "two", "three"), values, np.arange(100))
    found = {
        "_a": predict_difficulty(features, values[:, 0] > 0.5),
        "$b$": predict_difficulty(features, values[:, 1] > 0.5),
    }
    figure = weights_figure(found, "t2i")
    figure.draw_without_rendering()
    coefficients, importances = figure.axes
    assert len(coefficients.patches) == len(importances.patches) == 6
    labels = [label.get_text() for label in coefficients.get_yticklabels()]
    assert labels[-1] == "one"  # the most important of the first model, at the top
    widths = [bar.get_width() for bar in coefficients.patches[:3]]
    expected = {w.name: w.coefficient.mean for w in found["_a"].weights}
    assert widths == pytest.approx([expected[name] for name in labels])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[0].startswith("_a, AUC ")
    assert texts[1].startswith("$b$, AUC ")


def test_the_rank_that_captions_alone_give_is_a_feature(run, split, scores, tmp_path):
    oracle = save_rankings(tmp_path / "oracle" / "test.npz", scores, split)
    status, output = run("--oracle", oracle, "--no_rules")
    assert status == 0
    content = json.loads(output.read_text())
    assert content["metadata"]["features"]["t2i"][0] == "log (1 + oracle rank)"
    weights = content["models"]["clip"]["t2i"]["difficulty"]["weights"]
    assert weights[0]["feature"] == "log (1 + oracle rank)"  # the same scores: it tells all


def test_an_oracle_of_another_gallery_is_one_line(run, split, scores, tmp_path):
    fewer = split.first(N_IMAGES - 1)
    oracle = save_rankings(
        tmp_path / "oracle" / "test.npz", scores[:-1, :-2], fewer, split_sha256=split.sha256
    )
    status, _ = run("--oracle", oracle)
    assert_one_clear_line(status, "oracle/test.npz: expected the 40 images", "other image_ids")
