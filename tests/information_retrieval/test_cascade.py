"""The cascade command: LXMERT's own scores of the listed pairs, and one line on bad input."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import error_analysis.mining
from information_retrieval.cascade import main
from information_retrieval.combining.cascade_result import read_cascade
from information_retrieval.combining.shortlist import cascade_metrics, shortlists
from information_retrieval.evaluate import main as evaluate
from information_retrieval.models.checkpoint import load_model, load_tokenizer
from information_retrieval.models.lxmert.encoded_gallery import encode_gallery
from information_retrieval.models.tokenization import tokenize_captions
from information_retrieval.ranking.query_ranks import DIRECTIONS
from information_retrieval.ranking.rank_counter import count_ranks
from information_retrieval.ranking.rankings import rank_scores, read_rankings, write_rankings
from information_retrieval.scoring.all_pairs import score_all
from preprocess.captions.split_file import write_split
from preprocess.storage.features_file import FeaturesFile
from tests.conftest import (
    assert_one_clear_line,
    make_split,
    save_clip,
    save_lxmert,
    write_features,
)
from tests.image_readers import write_images_of_sizes
from tests.information_retrieval.models.sx3hre.tiny import save_sx3hre
from tests.information_retrieval.models.xvlm.tiny import save_xvlm

SPLIT = make_split(30, "test")


def save_first_stage(path, split=SPLIT, **metadata) -> np.ndarray:
    gallery = split.first(25)
    shape = (25, len(gallery.captions))
    scores = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    metadata = {"split_sha256": split.sha256, "protocol": "full", "model": "first", **metadata}
    write_rankings(path, rank_scores(scores, gallery, metadata))
    return scores


@pytest.fixture
def lxmert(tmp_path):
    return save_lxmert(tmp_path / "lxmert")


@pytest.fixture
def cascade(tmp_path, run_main, lxmert):
    """Run the command on the first 25 of 30 images; gives the status and the output path."""
    write_split(tmp_path / "test.json", SPLIT)
    write_features(tmp_path / "test_features.h5", SPLIT)
    save_first_stage(tmp_path / "first.npz")
    output = tmp_path / "cascade" / "test.npz"

    def run(*options, shortlist=10, checkpoint=lxmert):
        arguments = ["--model_name_or_path", checkpoint, "--data_dir", tmp_path]
        arguments += ["--rankings", tmp_path / "first.npz", "--shortlist", shortlist]
        return run_main(main, *arguments, "--output", output, *options), output

    return run


def all_pairs(tmp_path, checkpoint) -> np.ndarray:
    """LXMERT's scores of the whole gallery."""
    model, gallery = load_model(checkpoint), SPLIT.first(25)
    tokenizer = load_tokenizer(checkpoint, model.config.vocab_size)
    positions = model.config.max_position_embeddings
    token_ids = tokenize_captions(gallery, tokenizer, positions).token_ids
    features = FeaturesFile(tmp_path / "test_features.h5")
    encoded = encode_gallery(model, token_ids, features, gallery.image_ids)
    return score_all(encoded, encoded.column_blocks, encoded.n_images, encoded.n_captions, False)


def test_the_listed_pairs_have_lxmerts_scores_and_nothing_else_is_ranked(
    cascade, tmp_path, lxmert, capsys
):
    status, output = cascade()
    assert status == 0
    scores, index = all_pairs(tmp_path, lxmert), SPLIT.first(25).caption_image_index
    with np.load(output) as archive:
        found = dict(archive)
    images, captions = np.ogrid[:25, : len(index)]
    lxmerts = {
        "i2t": scores[images, found["i2t_shortlist"]],
        "t2i": scores[found["t2i_shortlist"], captions.T],
    }
    for direction in DIRECTIONS:
        assert found[f"{direction}_shortlist"].shape[1] == 10
        np.testing.assert_allclose(
            found[f"{direction}_shortlist_scores"], lxmerts[direction], atol=1e-5
        )
        censored, ranks = found[f"{direction}_censored"], found[f"{direction}_ranks_at_least"]
        assert 0 < censored.sum() < len(censored)
        assert (ranks[censored] == 10).all()
        assert (ranks[~censored] < 10).all()
    assert found.keys().isdisjoint({"logits", "labels", "i2t_ranks", "t2i_ranks"})

    written = json.loads((output.parent / "metrics.json").read_text())
    assert written["pairs_scored"] < written["pairs"] == scores.size
    assert written["metadata"]["first_stage"]["model"] == "first"
    assert not {"i2t_median_rank", "i2t_mean_rank"} & written["metrics"].keys()
    read = read_cascade(output, read_rankings(tmp_path / "first.npz", SPLIT))
    assert cascade_metrics(read.ranks) == written["metrics"]
    assert read.pairs_scored == written["pairs_scored"]
    printed = capsys.readouterr().out
    assert "the others' ranks are censored, >= 10" in printed
    assert f"{written['metrics']['t2i_ceiling']:.2f}" in printed
    assert f"{written['first_stage']['metrics']['i2t_r1']:.2f}" in printed


def test_a_shortlist_of_everything_gives_lxmerts_ranks(cascade, tmp_path, lxmert):
    status, output = cascade(shortlist=10_000)
    assert status == 0
    expected = count_ranks(all_pairs(tmp_path, lxmert), SPLIT.first(25).caption_image_index)
    with np.load(output) as archive:
        for direction in DIRECTIONS:
            assert not archive[f"{direction}_censored"].any()
            np.testing.assert_array_equal(
                archive[f"{direction}_ranks_at_least"], expected.of(direction).ranks()
            )


def test_error_analysis_refuses_the_result_in_one_line(cascade, tmp_path, run_main):
    _, output = cascade()
    split = ("--split_file", tmp_path / "test.json", "--output", tmp_path / "hard.json")
    status = run_main(error_analysis.mining.main, "--rankings", output, *split)
    assert_one_clear_line(status, output, "not a rankings file")
    status = cascade("--rankings", output, "--output", tmp_path / "again" / "c.npz")[0]
    assert_one_clear_line(status, output, "not a rankings file")


def test_the_same_command_again_replaces_its_result_and_never_its_input(cascade, tmp_path):
    assert cascade()[0] == 0
    assert cascade()[0] == 0
    before = (tmp_path / "first.npz").read_bytes()
    status = cascade("--output", tmp_path / "first.npz")[0]
    assert_one_clear_line(status, "first.npz: is one of the rankings to read")
    assert (tmp_path / "first.npz").read_bytes() == before


def test_a_killed_cascade_leaves_nothing_half_done_and_starts_again(cascade, monkeypatch):
    with monkeypatch.context() as patch:

        def stop(*arguments, **options):
            raise KeyboardInterrupt

        patch.setattr("information_retrieval.models.lxmert.listed_pairs.score_pairs", stop)
        status, output = cascade()
    assert status == 130
    assert not output.parent.exists()
    assert cascade()[0] == 0


def check_fails(run, *expected):
    status, output = run
    assert_one_clear_line(status, *expected)
    assert not output.exists()


def test_impossible_options_are_refused(cascade, tmp_path):
    check_fails(cascade(shortlist=9), "--shortlist: expected at least 10, found 9")
    check_fails(cascade("--block_pairs", "0"), "--block_pairs: expected at least 1")
    check_fails(cascade("--rankings", tmp_path / "none.npz"), "none.npz: no such file")
    check_fails(cascade("--split", "val"), "val.json: no such file")


def test_a_dual_encoder_as_second_stage_is_refused(cascade, tmp_path):
    checkpoint = save_clip(tmp_path / "clip")
    check_fails(cascade(checkpoint=checkpoint), "expected an LXMERT", "found a clip model")


@pytest.fixture
def xvlm(tmp_path):
    """A checkpoint, and the rankings of all its pairs: by cosine, and by the matching head."""
    checkpoint = save_xvlm(tmp_path / "xvlm")
    write_split(tmp_path / "test.json", SPLIT)
    write_images_of_sizes(tmp_path, SPLIT)
    (tmp_path / "images.h5").rename(tmp_path / "test_images.h5")
    return checkpoint


def evaluated(tmp_path, run_main, checkpoint, score):
    output = tmp_path / score / "test.npz"
    arguments = ["--model_name_or_path", checkpoint, "--data_dir", tmp_path, "--device", "cpu"]
    arguments += ["--protocol", "full", "--score", score, "--output", output]
    assert run_main(evaluate, *arguments) == 0
    return output


def test_an_xvlm_orders_the_shortlists_of_its_own_cosines(cascade, tmp_path, run_main, xvlm):
    cosines, matching = (evaluated(tmp_path, run_main, xvlm, s) for s in ("itc", "itm"))
    status, output = cascade("--rankings", cosines, "--device", "cpu", checkpoint=xvlm)
    assert status == 0
    lists = shortlists(np.load(cosines)["logits"], SPLIT.caption_image_index, 10)
    expected = np.load(matching)["logits"]
    images, captions = np.ogrid[: len(SPLIT.images), : len(SPLIT.captions)]
    with np.load(output) as found:
        for direction in DIRECTIONS:
            np.testing.assert_array_equal(found[f"{direction}_shortlist"], lists.of(direction))
        i2t, t2i = (found[f"{direction}_shortlist_scores"] for direction in DIRECTIONS)
        np.testing.assert_allclose(i2t, expected[images, lists.i2t], atol=1e-5)
        np.testing.assert_allclose(t2i, expected[lists.t2i, captions.T], atol=1e-5)
    metadata = json.loads((output.parent / "metrics.json").read_text())["metadata"]
    assert (metadata["score"], metadata["first_stage"]["score"]) == ("itm", "itc")
    assert metadata["weights"] == metadata["first_stage"]["weights"]


def test_an_xvlm_without_its_images_is_refused(cascade, tmp_path, xvlm):
    (tmp_path / "test_images.h5").unlink()
    check_fails(cascade(checkpoint=xvlm), "test_images.h5: no such file")


def test_rankings_for_five_folds_are_taken_as_the_one_gallery_that_they_hold(
    cascade, tmp_path, capsys
):
    save_first_stage(tmp_path / "first.npz", protocol="5k")
    status, output = cascade()
    assert status == 0
    in_5k = json.loads((output.parent / "metrics.json").read_text())
    assert "5fold" not in capsys.readouterr().out
    save_first_stage(tmp_path / "first.npz", protocol="5fold")
    assert cascade()[0] == 0
    assert "made for protocol 5fold; taken as the one gallery of protocol 5k" in (
        capsys.readouterr().out
    )
    found = json.loads((output.parent / "metrics.json").read_text())
    assert found["metadata"]["first_stage"]["protocol"] == "5fold"
    assert found["metadata"]["protocol"] == found["protocol"] == "5k"
    for key in ("metrics", "first_stage", "pairs_scored", "pairs"):
        assert found[key] == in_5k[key]


def test_images_without_features_are_refused(cascade, tmp_path):
    (tmp_path / "test_features.h5").unlink()
    write_features(tmp_path / "test_features.h5", SPLIT.first(20))
    check_fails(cascade(), "test_features.h5", "is not in the file")


def test_weights_that_give_nan_are_refused_with_the_pair(cascade, lxmert):
    weights = load_file(lxmert / "model.safetensors")
    weights["lxmert.pooler.dense.bias"][0] = torch.nan
    save_file(weights, lxmert / "model.safetensors", metadata={"format": "pt"})
    check_fails(cascade(), "the score of image 100 and caption 1", "is nan")


def test_the_metrics_of_other_results_are_not_overwritten(cascade, tmp_path):
    (tmp_path / "cascade").mkdir()
    (tmp_path / "cascade" / "metrics.json").write_text('{"rankings": "test.npz"}')
    check_fails(cascade("--output", tmp_path / "cascade" / "other.npz"), "metrics of test.npz")


@pytest.mark.parametrize(("kind", "save"), [("lxmert", save_lxmert), ("xvlm", save_xvlm)])
def test_an_sx3hres_shortlists_are_ordered_by_a_cross_encoder(
    cascade, tmp_path, run_main, xvlm, kind, save
):
    first = save_sx3hre(tmp_path / "sx3hre")
    rankings = tmp_path / "sx3hre_run" / "test.npz"
    arguments = ["--model_name_or_path", first, "--data_dir", tmp_path, "--device", "cpu"]
    assert run_main(evaluate, *arguments, "--protocol", "full", "--output", rankings) == 0
    checkpoint = save(tmp_path / kind)
    status, output = cascade("--rankings", rankings, "--device", "cpu", checkpoint=checkpoint)
    assert status == 0
    lists = shortlists(np.load(rankings)["logits"], SPLIT.caption_image_index, 10)
    with np.load(output) as found:
        for direction in DIRECTIONS:
            np.testing.assert_array_equal(found[f"{direction}_shortlist"], lists.of(direction))
    metadata = json.loads((output.parent / "metrics.json").read_text())["metadata"]
    assert metadata["first_stage"]["model"] == str(first)


def test_an_sx3hre_as_second_stage_is_refused(cascade, tmp_path):
    checkpoint = save_sx3hre(tmp_path / "sx3hre")
    check_fails(cascade(checkpoint=checkpoint), "expected an LXMERT", "found a sx3hre model")
