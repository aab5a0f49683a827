"""The benchmark of caption metrics, on a few images."""

import sys
from types import ModuleType

import pytest

from benchmarks import caption_metrics
from benchmarks.caption_metrics import draw_captions, score_ours
from preprocess.captions.split_file import write_split
from tests.conftest import make_split


@pytest.fixture
def arguments(tmp_path):
    write_split(tmp_path / "split.json", make_split(6))
    return ["--split_file", tmp_path / "split.json", "--n_images", 9, "--repeats", 1]


def test_images_are_drawn_with_words_changed():
    split = make_split(6)
    captions = draw_captions(split, 9, 4)
    assert len(captions.candidates) == 9
    assert {len(own) for own in captions.references} == {4}
    drawn = {one for own in captions.references for one in own}
    assert drawn & set(split.captions)
    assert drawn - set(split.captions)


def test_without_the_other_program_ours_is_timed_alone(arguments, monkeypatch, run_main, capsys):
    monkeypatch.setattr(caption_metrics.importlib.util, "find_spec", lambda name: None)
    assert run_main(caption_metrics.main, *arguments) == 0
    shown = capsys.readouterr()
    assert "9 images, 5 references each" in shown.out
    assert "ours: words and BLEU, ROUGE-L, CIDEr-D" in shown.out
    assert "ours alone" in shown.err
    assert "/ ours" not in shown.out


def test_beside_the_other_program_ratio_and_difference_are_told(
    arguments, monkeypatch, run_main, capsys
):
    monkeypatch.setattr(caption_metrics.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(caption_metrics.shutil, "which", lambda name: None)
    monkeypatch.setattr(caption_metrics, "score_theirs", score_ours)
    assert run_main(caption_metrics.main, *arguments) == 0
    out = capsys.readouterr().out
    assert "pycocoevalcap / ours: " in out
    assert "largest difference of a metric: " in out


def test_the_other_program_is_given_what_it_takes(monkeypatch):
    """One caption an image, and lists of references, by the same keys."""

    class Scorer:
        def __init__(self, *_):
            pass

        def compute_score(self, references, candidates):
            assert references == {0: ["a dog", "dogs"]}
            assert candidates == {0: ["a dog"]}
            return [0.5] * 4, None

    for name in ("bleu", "cider", "rouge"):
        module = ModuleType(name)
        setattr(module, name.capitalize(), Scorer)
        monkeypatch.setitem(sys.modules, f"pycocoevalcap.{name}.{name}", module)
    for name in ("pycocoevalcap", *(f"pycocoevalcap.{n}" for n in ("bleu", "cider", "rouge"))):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    found = caption_metrics.score_theirs(caption_metrics.Captions(["a dog"], [["a dog", "dogs"]]))
    assert list(found) == ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr"]
