import json

import numpy as np
import pytest

from error_analysis.probing.caption_boxes import BoxInImage, CaptionBoxes, boxes_to_json
from error_analysis.probing.negative_images import changes_to_json
from error_analysis.probing.typo_repair import RepairedQuery, repairs_to_json
from error_analysis.site.sections.probes import read_probes
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_model
from tests.error_analysis.site.sections.drawn import drawn, text_of
from tests.error_analysis.site.sections.written import rewrite, write_rankings

# Before, after, and after a harmless edit; of the hard ones two are healed.
RANKS = [(30, 2, 29), (12, 0, 12), (11, 15, 9.5), (0, 10, 0), (3, 1, 3)]


@pytest.fixture
def written(tmp_path):
    return write_rankings(tmp_path)


def write_probe(written, name: str, content: dict, **changed):
    path = written.folder / name
    metadata = {"model": "tiny", "weights": "b", "split_sha256": written.split.sha256}
    metadata = {**metadata, "protocol": "full", "dtype": "float32", **changed}
    path.write_text(json.dumps({**content, "metadata": metadata}))
    return path


@pytest.fixture
def repairs(written):
    queries = [
        RepairedQuery(5000 + i, 100 + i, f"a dgo <{i}>", f"a dog {i}", "the dgo", *map(float, of))
        for i, of in enumerate(RANKS)
    ]
    return write_probe(written, "repairs.json", repairs_to_json(queries))


@pytest.fixture
def negatives(written):
    on_images, _ = written.models()
    on_negatives = make_model(-np.asarray(on_images.rankings.scores), written.split)
    content = changes_to_json(on_images, on_negatives)
    return write_probe(written, "negatives.json", content, weights="a")


def test_repairs_are_told_of_the_model_with_these_weights(written, repairs):
    [probe] = read_probes([repairs], written.models()).repairs
    assert (probe.model, probe.n_captions, probe.n_hard, probe.median_before) == ("b", 5, 3, 11)
    assert (probe.repaired.n_healed, probe.repaired.n_broken) == (2, 1)
    assert (probe.control.n_healed, probe.control.n_same) == (1, 3)
    assert probe.changes[0].control == 29
    assert probe.outcomes == {
        "hard no longer": (5000, 5001),
        "became hard": (5003,),
        "better": (5000, 5001, 5004),
        "worse": (5002, 5003),
    }


def test_captions_lead_to_their_queries_and_tell_their_ranks(written, repairs):
    models = written.models()
    html = drawn("probes", read_probes([repairs], models), models)
    text = text_of(html)
    assert 'href="queries.html#query=t2i-5000"' in html
    assert "a dgo <0> a dog 0 30 → 2 29" in text
    assert "a dgo <2> a dog 2 11 → 15 9.5" in text
    assert "b: 5 captions with a typo, 3 hard as typed" in text
    assert "repaired 2 66.7 % 1 3 0 2 11 → 2" in text
    link = "queries.html#direction=t2i&amp;a=b&amp;has=probe:repaired%3A%20hard%20no%20longer"
    assert f'href="{link}"' in html.replace("repaired:%20", "repaired%3A%20")


def test_negatives_are_told_by_direction(written, negatives, repairs):
    models = written.models()
    probes = read_probes([negatives, repairs], models)
    [probe] = probes.negatives
    assert probe.model == "a"
    assert probe.counts["i2t"]["hard"] == 2
    assert probe.recalls["i2t"]["r10"][0] == pytest.approx(100 * 12 / 14)
    html = drawn("probes", probes, models)
    assert "Images as photographic negatives" in html
    assert html.index("Typos repaired") < html.index("photographic negatives")


@pytest.fixture
def boxes(written):
    wrong = BoxInImage(110, (0.0, 0.0, 1.0, 0.5))
    found = [
        CaptionBoxes(5002, "a dog", 12.0, BoxInImage(102, (0.1, 0.2, 0.5, 0.4)), wrong),
        CaptionBoxes(5001, "a cat", 11.0, BoxInImage(101, (0.0, 0.0, 1.0, 1.0)), None),
    ]
    return write_probe(written, "boxes.json", boxes_to_json(found, 10))


def test_boxes_are_told_of_their_model_and_lead_to_their_queries(written, boxes):
    models = written.models()
    probes = read_probes([boxes], models)
    [probe] = probes.boxes
    assert (probe.model, probe.hard_rank) == ("b", 10)
    assert probe.boxes == {
        5002: {102: (0.1, 0.2, 0.5, 0.4), 110: (0.0, 0.0, 1.0, 0.5)},
        5001: {101: (0.0, 0.0, 1.0, 1.0)},
    }
    html = drawn("probes", probes, models)
    assert "b 2 ≥ 10 54.0 % 50.0 %" in text_of(html)
    assert 'href="queries.html#direction=t2i&amp;a=b&amp;has=probe:predicted%20boxes"' in html
    assert "Typos repaired" not in html


def test_boxes_of_no_caption_are_no_probe(written):
    empty = write_probe(written, "empty.json", boxes_to_json([], 10))
    assert read_probes([empty], written.models()) is None


@pytest.mark.parametrize("box", [[0.1, 0.2, 0.5], [0.5, 0.2, 0.1, 0.4], [0, 0, 2, 1], None, "x"])
def test_a_box_that_is_none_is_one_line(written, boxes, box):
    rewrite(boxes, lambda content: content["boxes"][0]["own"].update(box=box))
    with pytest.raises(InputError, match="not a file of `python -m error_analysis"):
        read_probes([boxes], written.models())


@pytest.mark.parametrize("changed", [{"weights": "c"}, {"split_sha256": "x"}])
def test_boxes_of_another_model_or_split_are_refused(written, boxes, changed):
    rewrite(boxes, lambda content: content["metadata"].update(changed))
    with pytest.raises(InputError, match="expected a probe of a, b, found one of tiny"):
        read_probes([boxes], written.models())


def test_no_files_are_no_probes(written):
    assert read_probes([], written.models()) is None


def test_a_probe_that_found_no_typo_is_none(written, negatives):
    empty = write_probe(written, "empty.json", repairs_to_json([]))
    assert read_probes([empty], written.models()) is None
    assert read_probes([empty, negatives], written.models()).repairs == ()


@pytest.mark.parametrize(
    "changed", [{"weights": "c"}, {"split_sha256": "x"}, {"protocol": "1k"}, {"weights": None}]
)
def test_a_probe_of_another_model_or_gallery_is_refused(written, repairs, changed):
    rewrite(repairs, lambda content: content["metadata"].update(changed))
    with pytest.raises(InputError, match="expected a probe of a, b, found one of tiny"):
        read_probes([repairs], written.models())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("metadata"), "not a file of `python -m error_analysis.probe`"),
        (lambda c: c["summary"].pop("repaired"), "not a file of"),
        (lambda c: c.pop("summary"), "not a file of"),
        (lambda c: c.update(lists=[]), "a probe of one caption"),
    ],
)
def test_a_file_that_is_none_is_one_line(written, repairs, change, told):
    with pytest.raises(InputError, match=told):
        read_probes([rewrite(repairs, change)], written.models())


def test_a_missing_file_is_one_line(written):
    with pytest.raises(
        InputError, match=r"no such file; make it with `python -m error_analysis\.pr"
    ):
        read_probes([written.folder / "none.json"], written.models())
