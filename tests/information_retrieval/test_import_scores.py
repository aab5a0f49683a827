"""Scores of other programs become rankings that are those of the same matrix scored here."""

import numpy as np
import pytest

from information_retrieval.import_scores import main
from information_retrieval.ranking.rankings import rank_scores, read_rankings, write_rankings
from preprocess.base.files import read_json
from preprocess.captions.split_file import (
    Caption,
    CaptionedImage,
    Split,
    read_split,
    write_split,
)
from tests.conftest import assert_one_clear_line, make_split


@pytest.fixture
def split(tmp_path):
    made = make_split(6, "test")
    write_split(tmp_path / "test.json", made)
    return made


@pytest.fixture
def imported(tmp_path, run_main):
    """Import a file of scores; return the exit status."""

    def run(path, *options):
        files = ["--scores", path, "--split_file", tmp_path / "test.json"]
        return run_main(main, *files, "--output", tmp_path / "mine" / "test.npz", *options)

    return run


def scores_of(split: Split, seed: int = 0) -> np.ndarray:
    size = len(split.images), len(split.captions)
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def check(tmp_path, split: Split, scores: np.ndarray, gallery: Split | None = None) -> None:
    rankings = read_rankings(tmp_path / "mine" / "test.npz", split)
    expected = rank_scores(scores, gallery or split, {})
    np.testing.assert_array_equal(rankings.scores, expected.scores)
    np.testing.assert_array_equal(rankings.caption_ids, expected.caption_ids)
    for direction in ("i2t", "t2i"):
        found, wanted = (r.ranks.of(direction).ranks() for r in (rankings, expected))
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", ["rows are images", "rows are captions", "float64", "named"])
def test_a_matrix_in_the_order_of_the_split(tmp_path, split, imported, kind):
    scores = scores_of(split)
    path = tmp_path / "sims.npy"
    if kind == "named":
        path = tmp_path / "sims.npz"
        np.savez(path, sims=scores)
    else:
        given = scores.T if kind == "rows are captions" else scores
        np.save(path, given.astype(np.float64) if kind == "float64" else given)
    assert imported(path, "--name", "their model") == 0
    check(tmp_path, split, scores)
    metadata = read_json(tmp_path / "mine" / "metrics.json", "")["metadata"]
    assert (metadata["model"], metadata["protocol"]) == ("their model", "full")


def test_a_matrix_of_the_first_images(tmp_path, split, imported):
    gallery = split.first(4)
    np.save(tmp_path / "sims.npy", scores_of(gallery))
    assert imported(tmp_path / "sims.npy") == 0
    check(tmp_path, split, scores_of(gallery), gallery)


@pytest.mark.parametrize("form", ["npz", "csv", "tsv", "list"])
def test_a_matrix_with_ids_in_any_order(tmp_path, split, imported, form):
    scores = scores_of(split)
    generator = np.random.default_rng(1)
    rows, columns = (generator.permutation(size) for size in scores.shape)
    image_ids, caption_ids = split.image_ids[rows], split.caption_ids[columns]
    shuffled = scores[np.ix_(rows, columns)]
    path = tmp_path / ("sims.csv" if form == "list" else f"sims.{form}")
    if form == "npz":
        np.savez(path, scores=shuffled, image_ids=image_ids, caption_ids=caption_ids)
    elif form == "list":
        lines = ["caption_id,score,image_id"] + [
            f"{caption},{shuffled[i, j]!r},{image}".replace("np.float32(", "").replace(")", "")
            for i, image in enumerate(image_ids)
            for j, caption in enumerate(caption_ids)
        ]
        path.write_text("\n".join(lines))
    else:
        separator = "," if form == "csv" else "\t"
        lines = [["", *map(str, caption_ids)]]
        lines += [
            [str(i), *(str(float(x)) for x in row)]
            for i, row in zip(image_ids, shuffled, strict=True)
        ]
        path.write_text("\n".join(map(separator.join, lines)) + "\n")
    assert imported(path) == 0
    check(tmp_path, split, scores)


def test_ids_may_be_the_names_that_the_split_has(tmp_path, imported):
    images = [
        CaptionedImage(n, f"{name}.jpg", (Caption(n, f"a {name}", f"{name}#0"),), name)
        for n, name in enumerate(("dog", "cat"), start=1)
    ]
    write_split(tmp_path / "test.json", Split("d", "test", "x", tuple(images)))
    (tmp_path / "sims.csv").write_text(",cat#0,dog#0\ncat,4,3\ndog,2,1\n")
    assert imported(tmp_path / "sims.csv") == 0
    split = read_split(tmp_path / "test.json")
    check(tmp_path, split, np.array([[1, 2], [3, 4]], np.float32))


def test_pairs_that_a_list_lacks_are_asked_about(tmp_path, split, imported):
    image, caption = split.image_ids[0], split.caption_ids[0]
    lines = ["image_id,caption_id,score"]
    lines += [f"{i.image_id},{i.captions[0].caption_id},1.5" for i in split.images]
    (tmp_path / "sims.csv").write_text("\n".join(lines))
    assert_one_clear_line(imported(tmp_path / "sims.csv"), "30 of 36 pairs", "--missing_score")
    assert imported(tmp_path / "sims.csv", "--missing_score", "-1") == 0
    gallery = split.first(6, 1)
    check(tmp_path, split, np.where(np.eye(6), 1.5, -1).astype(np.float32), gallery)
    (tmp_path / "sims.csv").write_text("\n".join([*lines, f"{image},{caption},2"]))
    assert_one_clear_line(imported(tmp_path / "sims.csv"), "comes twice")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("sims.npy", np.zeros((3, 7)), "found 3 x 7"),
        ("sims.npy", np.zeros(3), "expected a matrix of numbers, found float64 of shape (3,)"),
        ("sims.npy", np.array([["a"]]), "expected a matrix of numbers"),
        ("sims.npy", "hello", "no .npy file, or a damaged one"),
        ("sims.csv", ",1\n100,x\n", "expected a finite number for a score, found 'x'"),
        ("sims.csv", ",1\n100\n", "expected 2 columns in every line"),
        ("sims.csv", ",1000\n7,1\n", "image id '7' is not in split 'test'"),
        ("sims.mat", "", "expected a name that ends in .npy, .npz, .csv or .tsv"),
        ("none.npy", None, "no such file"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path, split, imported, name, content, line):
    path = tmp_path / name
    if isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        np.save(path, content)
    assert_one_clear_line(imported(path), path, line)
    assert not (tmp_path / "mine").exists()


def test_a_score_that_is_not_finite_is_named(tmp_path, split, imported):
    scores = scores_of(split)
    scores[2, 3] = np.nan
    np.save(tmp_path / "sims.npy", scores)
    status = imported(tmp_path / "sims.npy")
    assert_one_clear_line(status, "sims.npy", f"image {split.image_ids[2]} and caption", "nan")


def test_half_of_the_ids_is_no_order(tmp_path, split, imported):
    np.savez(tmp_path / "s.npz", scores=scores_of(split), image_ids=split.image_ids)
    assert_one_clear_line(imported(tmp_path / "s.npz"), "both or none, found image_ids of shape")


@pytest.mark.parametrize("form", ["{}", "{}.0", " 00{}"])
def test_ids_are_read_as_other_programs_write_them(tmp_path, split, imported, form):
    lines = [["x", *(form.format(i) for i in split.caption_ids)]]
    lines += [
        [form.format(i), *(str(float(x)) for x in row)]
        for i, row in zip(split.image_ids, scores_of(split), strict=True)
    ]
    (tmp_path / "s.csv").write_text("\n".join(map(";".join, lines)) + "\n   \n")
    assert imported(tmp_path / "s.csv") == 0
    check(tmp_path, split, scores_of(split))


def test_the_numbers_that_stand_for_names_are_ids_too(tmp_path, imported):
    images = [
        CaptionedImage(n, f"{name}.jpg", (Caption(n, f"a {name}", f"{name}#0"),), name)
        for n, name in enumerate(("dog", "cat"), start=1)
    ]
    write_split(tmp_path / "test.json", Split("d", "test", "x", tuple(images)))
    (tmp_path / "s.csv").write_text(",1,2\n1,1,2\n2,3,4\n")
    assert imported(tmp_path / "s.csv") == 0
    split = read_split(tmp_path / "test.json")
    check(tmp_path, split, np.array([[1, 2], [3, 4]], np.float32))


@pytest.mark.parametrize("content", ["", "\n", "image_id,caption_id,score\n"])
def test_an_empty_table_is_one_line(tmp_path, split, imported, content):
    (tmp_path / "s.csv").write_text(content)
    assert_one_clear_line(imported(tmp_path / "s.csv"), "s.csv: expected a first line of names")


def test_the_score_of_missing_pairs_may_be_any_number_but_none(tmp_path, split, imported):
    lines = ["image_id,caption_id,score"]
    lines += [f"{i.image_id},{i.captions[0].caption_id},1.5" for i in split.images]
    (tmp_path / "s.csv").write_text("\n".join(lines))
    assert imported(tmp_path / "s.csv", "--missing_score", "-1e9") == 0
    for value in ("nan", "1e40"):
        status = imported(tmp_path / "s.csv", "--missing_score", value)
        assert_one_clear_line(status, "--missing_score: expected a finite number")


def test_the_rankings_of_a_model_are_not_replaced(tmp_path, split, imported):
    (tmp_path / "mine").mkdir()
    write_rankings(tmp_path / "mine" / "test.npz", rank_scores(scores_of(split), split, {}))
    np.save(tmp_path / "s.npy", scores_of(split))
    assert_one_clear_line(imported(tmp_path / "s.npy"), "another command wrote it")
