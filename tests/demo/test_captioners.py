"""How often what a captioner says of a drawn scene is true; the table of captioners."""

import json
from pathlib import Path

import pytest

from captioning.models.loading import load_captioner
from demo.captioners import Truth, main, truth_of
from demo.render import RenderArguments, render
from demo.scenes.scenes import Scene, Thing
from demo.training.train_captioners import CAPTIONERS
from preprocess.captions.annotations import read_karpathy
from preprocess.captions.split_file import write_split
from tests.conftest import assert_one_clear_line

MODELS = Path(__file__).parents[2] / "demo" / "models"
CAT = Thing("cat", "red", "small", (10, 120, 30, 30), worn=False, mirrored=False)
DOG = Thing("dog", "blue", "large", (200, 120, 30, 30), worn=True, mirrored=False)
SCENE = Scene(256, 192, "meadow", (CAT, DOG), texture_seed=0)
NAMES = ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr")


@pytest.mark.parametrize(
    ("caption", "true", "things"),
    [
        ("a small red cat and a big blue dog", 1, 1),
        ("a blue cat and a big dog", 0, 1),
        ("a house on the left of a cat", 0, 0),
        ("something that is hard to describe", 0, 0),  # nothing is named
        ("", 0, 0),
        ("a cat to the left of a zebra", 0, 0),
    ],
)
def test_a_caption_is_true_where_all_of_it_is_and_it_names_a_thing(caption, true, things):
    assert truth_of({7: caption}, {7: SCENE}) == Truth(true, things)


def test_the_table_has_metrics_truth_and_recalls(tmp_path, run_main, capsys):
    data_dir, run = tmp_path / "demo", tmp_path / "clip_lstm"
    render(RenderArguments(data_dir, seed=3, n_train=0, n_restval=0, n_val=0, n_test=4))
    split = read_karpathy(data_dir / "dataset_coco.json").splits["test"]
    write_split(data_dir / "test.json", split)
    run.mkdir()
    captions = [{"image_id": i.image_id, "caption": "a zebra"} for i in split.images]
    (run / "test_captions.json").write_text(json.dumps(captions))
    metrics = {name: {"value": 0.25, "low": 0.2, "high": 0.3} for name in NAMES}
    content = {"metrics": metrics, "counts": {"distinct": 1}}
    (run / "test_metrics.json").write_text(json.dumps(content))
    recalls = {"r1": {"value": 50.0}, "r10": {"value": 75.0}}
    (run / "xvlm.json").write_text(json.dumps({"metrics": {"generated": recalls}}))
    options = ["--runs", run, "--asked", "xvlm", "--data_dir", data_dir]
    assert run_main(main, *options) == 0
    line = capsys.readouterr().out.splitlines()[-1].split()
    assert line[:6] == ["clip_lstm", ".250", ".250", ".250", ".250", "-"]
    assert line[-8:] == ["1", "0", "%", "0", "%", "50.0", "/", "75.0"]
    (run / "xvlm.json").unlink()
    assert_one_clear_line(run_main(main, *options), "xvlm.json", "setup.sh demo --all")


@pytest.mark.parametrize("name", CAPTIONERS)
def test_the_shipped_captioner_is_small_and_knows_its_encoder(name):
    folder = MODELS / f"captioner_{name}"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000
    config = load_captioner(str(folder)).config
    assert config.encoder == CAPTIONERS[name].encoder
    assert config.encoder_kind == CAPTIONERS[name].kind
