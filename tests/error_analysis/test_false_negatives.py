import json
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import pytest

from error_analysis.false_negatives import main, metrics_under_labels
from error_analysis.reasons.images.plausible import Plausibility
from error_analysis.reasons.mentions import Vocabulary
from error_analysis.relevance.audit import audit
from error_analysis.relevance.extended_relevance import ExtendedRelevance
from error_analysis.relevance.plausible_documents import BY_CAPTIONS, PlausibleDocuments
from preprocess.captions.split_file import Caption, Split, write_split
from tests.conftest import assert_one_clear_line
from tests.error_analysis.labels import write_eccv, write_sits
from tests.error_analysis.scored import make_model, make_split, save_rankings, scores_with_ranks

# Of 14 image queries with one caption each, 100 and 103 are hard. The top 10 of 100 are the
# captions 5001 to 5010, which are tied; those of 103 are 5000 and 5004 to 5012.
RANKS = [12, 0, 0, 11] + [0] * 10


def split_of(texts: dict[int, str] | None = None) -> Split:
    """Captions of one word each, which no two share, but for the given ones."""
    split = make_split([1] * len(RANKS))
    images = tuple(
        replace(
            image,
            captions=tuple(
                Caption(c.caption_id, (texts or {}).get(c.caption_id, f"x{letter}q"))
                for c in image.captions
            ),
        )
        for image, letter in zip(split.images, ascii_lowercase, strict=False)
    )
    return replace(split, images=images)


def model_of(split: Split):
    return make_model(scores_with_ranks(RANKS), split)


def labels_of(captions: dict, images: dict | None = None) -> ExtendedRelevance:
    frozen = [{q: frozenset(d) for q, d in x.items()} for x in (captions, images or {})]
    return ExtendedRelevance("ECCV Caption", "x.json", *frozen)


def audited(model, labels, direction="i2t"):
    plausibility = Plausibility(model.gallery, Vocabulary())
    return audit(model, direction, PlausibleDocuments(model.gallery, plausibility, labels))


def test_a_labelled_document_in_the_top_10_makes_a_hard_query_a_false_negative():
    model = model_of(split_of())
    found = audited(model, [labels_of({100: [5000, 5003], 101: [5001]})])
    assert (found.n_queries, found.n_hard, found.n_plausible) == (14, 2, 1)
    [query] = found.queries
    assert query.query.item.image_id == 100
    [document] = query.plausible
    assert (document.place, document.item.caption_id) == (2, 5003)
    assert document.reasons == {"ECCV Caption": "ECCV Caption has caption 5003 for image 100"}


def test_coverage_counts_labelled_queries_and_those_with_a_further_document():
    model = model_of(split_of())
    # 103 is labelled, but with its own caption only.
    [counts, _] = audited(model, [labels_of({100: [5000, 5003], 103: [5003]})]).sources
    assert (counts.n_labelled, counts.n_extended, counts.n_plausible) == (2, 1, 1)


def test_a_pair_that_was_labelled_for_the_caption_holds_for_the_image_too():
    model = model_of(split_of())
    [counts, _] = audited(model, [labels_of({}, {5003: [103, 100]})]).sources
    assert (counts.n_labelled, counts.n_extended, counts.n_plausible) == (0, 0, 0)
    assert counts.n_unlabelled_plausible == 1


def test_a_suitable_document_below_the_top_10_is_counted_as_extended_only():
    model = model_of(split_of())
    # 5013 is scored lowest for image 100.
    [counts, _] = audited(model, [labels_of({100: [5000, 5013]})]).sources
    assert (counts.n_extended, counts.n_plausible) == (1, 0)


def test_a_caption_that_the_image_s_own_say_is_found_without_labels_and_told_in_words():
    own = "a big red car with two open doors"
    split = split_of({5000: own, 5002: "a red car with open doors", 5004: f"{own} and a dog"})
    found = audited(model_of(split), [])
    [query] = found.queries
    [document] = query.plausible
    assert (query.query.item.image_id, document.item.caption_id) == (100, 5002)
    why = document.reasons[BY_CAPTIONS]
    assert why == f"the image's captions fit, such as {own!r}"
    [counts] = found.sources
    assert (counts.name, counts.n_labelled, counts.n_plausible) == (BY_CAPTIONS, 2, 1)


def test_caption_queries_are_audited_against_the_captions_of_the_retrieved_image():
    split = split_of({5000: "a red car", 5002: "a red car in the snow", 5004: "a blue car"})
    model = make_model(scores_with_ranks(RANKS).T, split)
    found = audited(model, [labels_of({}, {5003: [103, 104]})], "t2i")
    plausible = {
        query.query.item.caption_id: [d.item.image_id for d in query.plausible]
        for query in found.queries
    }
    assert plausible == {5000: [102], 5003: [104]}


def test_no_hard_query_is_an_honest_zero():
    split = split_of()
    model = make_model(scores_with_ranks([0] * 14), split)
    found = audited(model, [labels_of({100: [5003]})])
    assert (found.n_hard, found.n_plausible, found.queries) == (0, 0, ())
    assert [source.n_plausible for source in found.sources] == [0, 0]


def test_metrics_under_labels_stand_beside_those_of_the_split_over_the_same_queries():
    model = model_of(split_of())
    split, extended = metrics_under_labels(model, "i2t", labels_of({100: [5000, 5001], 103: []}))
    assert (split["ground_truth"], extended["ground_truth"]) == ("split", "ECCV Caption")
    assert (split["queries"], extended["queries"]) == (1, 1)
    assert (split["r1"], split["r10"]) == (0, 0)
    # 5001 is one of 12 tied captions: in the top 10 in 10 of 12 orders.
    assert extended["r10"] == pytest.approx(100 * 10 / 12)
    assert (extended["r_precision"], extended["map_at_r"]) == (50, 50)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    split = split_of({5000: "a red car", 5002: "a red car"})
    write_split(tmp_path / "test.json", split)
    save_rankings(tmp_path / "test.npz", scores_with_ranks(RANKS), split)
    return {
        "--rankings": tmp_path / "test.npz",
        "--split_file": tmp_path / "test.json",
        "--output": tmp_path / "audit.json",
    }


def options(files: dict[str, Path]) -> list:
    return [part for pair in files.items() for part in pair]


def test_the_command_writes_counts_metrics_and_reasons(files, tmp_path, run_main, capsys):
    eccv = write_eccv(tmp_path, {100: [5000, 5003]}, {5000: [100, 104]})
    sits = write_sits(tmp_path / "sits_test.csv", [(5000, 100, 5.0), (5003, 100, 1.0)])
    command = [*options(files), "--labels", eccv, sits, "--names", "clip"]
    assert run_main(main, *command) == 0
    content = json.loads(files["--output"].read_text())
    [i2t, _] = content["audits"]
    assert (i2t["model"], i2t["direction"], i2t["hard"], i2t["plausible"]) == ("clip", "i2t", 2, 1)
    assert [source["hard_plausible"] for source in i2t["sources"]] == [1, 0, 1]
    [query] = i2t["hard_queries"]
    assert query["query"] == 100
    places = [(d["place"], d["caption_id"], sorted(d["reasons"])) for d in query["plausible"]]
    assert places == [(1, 5002, [BY_CAPTIONS]), (2, 5003, ["ECCV Caption"])]
    assert {row["ground_truth"] for row in content["metrics"]} == {"split", "ECCV Caption", "CxC"}
    assert content["metadata"]["labels"][1] == {
        "name": "CxC",
        "files": str(sits),
        "unknown_ids": 0,
    }
    table = capsys.readouterr().out
    assert "ECCV Caption" in table
    assert "judged" in table
    assert "mAP@R" in table


def test_it_works_without_labels(files, run_main, capsys):
    assert run_main(main, *options(files)) == 0
    assert "(100.0 %)" not in capsys.readouterr().out  # captions are no judges
    content = json.loads(files["--output"].read_text())
    assert content["metrics"] == []
    assert [source["name"] for source in content["audits"][0]["sources"]] == [BY_CAPTIONS]


def test_bad_input_is_told_in_one_line(files, tmp_path, run_main):
    other = write_eccv(tmp_path, {900: [9000]}, {9000: [900]})
    command = options(files)
    assert_one_clear_line(run_main(main, *command, "--labels", other), other, "not in split")
    sits = write_sits(tmp_path / "sits_test.csv", [(5000, 100, 5.0)])
    status = run_main(main, *command, "--labels", sits, sits)
    assert_one_clear_line(status, "expected each source once", "CxC")
    missing = tmp_path / "cxc_image_to_caption.json"
    assert_one_clear_line(run_main(main, *command, "--labels", missing), missing, "no such file")


def test_rankings_of_another_split_are_refused(files, tmp_path, run_main):
    other = make_split([2] * 14)
    scores = np.random.default_rng(0).normal(size=(14, 28)).astype(np.float32)
    save_rankings(files["--rankings"], scores, other)
    assert_one_clear_line(run_main(main, *options(files)), "test.npz", "another split")
