import pytest

from error_analysis.false_negatives import main
from error_analysis.site.sections.false_negatives import read_false_negatives
from error_analysis.statistics.proportions import wilson_interval
from preprocess.base.errors import InputError
from tests.error_analysis.labels import write_eccv
from tests.error_analysis.site.sections.drawn import counts_of, drawn, text_of
from tests.error_analysis.site.sections.written import other_scores, rewrite, write_rankings

ECCV = "ECCV Caption"


@pytest.fixture
def written(tmp_path):
    return write_rankings(tmp_path)


@pytest.fixture
def path(written, run_main):
    """Hard for a are images 100, which retrieves captions 5001 to 5010, and 103."""
    labels = write_eccv(written.folder, {100: [5000, 5003], 103: [5003]}, {5012: [112, 103]})
    return written.output_of(run_main, main, "--labels", labels)


def test_what_is_right_too_is_known_by_query_and_document(written, path):
    found = read_false_negatives(path, written.models())
    audit = found.audits[0]
    assert (audit.model, audit.direction, audit.n_hard) == ("a", "i2t", 2)
    eccv = audit.sources[0]
    assert (eccv.name, eccv.n_judged, eccv.n_extended, eccv.n_plausible) == (ECCV, 2, 2, 2)
    assert eccv.interval == tuple(100 * bound for bound in wilson_interval(2, 2))
    assert ECCV in audit.sources_of(100)
    assert audit.sources_of(101) == set()
    assert audit.documents[100][5003][ECCV] == "ECCV Caption has caption 5003 for image 100"
    assert audit.documents[103][5012][ECCV] == "ECCV Caption has caption 5012 for image 103"


def test_a_count_leads_to_the_queries_with_the_label(written, path):
    models = written.models()
    found = read_false_negatives(path, models)
    html = drawn("false_negatives", found, models)
    told = {filters: n for filters, n in counts_of(html) if "a=a" in filters}
    labelled = [q for q in found.audits[0].documents if ECCV in found.audits[0].sources_of(q)]
    assert told[f"direction=i2t&a=a&has=also%20right:{ECCV.replace(' ', '%20')}"] == len(labelled)
    assert "a, image queries: 2 hard, 2 with a suitable document" in text_of(html)


def test_metrics_under_labels_stand_beside_those_of_the_split(written, path):
    models = written.models()
    found = read_false_negatives(path, models)
    assert list(found.metrics) == [f"{ECCV}, image queries", f"{ECCV}, caption queries"]
    row = found.metrics[f"{ECCV}, image queries"][0]
    assert (row.model, row.n_queries) == ("a", 2)
    # Caption 5003 is one of twelve that are tied at the top of 100: it is found in 10 of 12 orders.
    assert (row.split["r10"], row.labels["r10"]) == (0, pytest.approx(100 * 10 / 12 / 2))
    assert "41.7 split 0.0" in text_of(drawn("false_negatives", found, models))


def test_a_pair_that_was_judged_from_the_other_side_is_counted_as_found(written, run_main):
    labels = write_eccv(written.folder, {}, {5003: [103, 100]})
    path = written.output_of(run_main, main, "--labels", labels)
    eccv = read_false_negatives(path, written.models()).audits[0].sources[0]
    assert (eccv.n_judged, eccv.n_plausible, eccv.n_found) == (0, 0, 1)
    assert eccv.interval is None


def test_only_models_of_the_report_are_shown(written, path):
    found = read_false_negatives(path, written.models("b"))
    assert {audit.model for audit in found.audits} == {"b"}
    assert {row.model for rows in found.metrics.values() for row in rows} == {"b"}


def test_a_file_of_other_rankings_is_refused(written, path):
    other_scores(written)
    with pytest.raises(InputError, match=r"a/test.npz, named a, found other rankings"):
        read_false_negatives(path, written.models())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("audits"), "not a file of `python -m error_analysis.false_negatives`"),
        (lambda c: c["audits"][0]["hard_queries"][0].update(rank=99), "found other rankings"),
        (lambda c: c["audits"][0].pop("sources"), "not a file of"),
        (lambda c: c["metrics"].pop(), "not a file of"),
        (lambda c: c["metadata"]["models"][0].update(split_sha256="x"), "found other rankings"),
    ],
)
def test_a_file_that_is_none_is_one_line(written, path, change, told):
    with pytest.raises(InputError, match=told):
        read_false_negatives(rewrite(path, change), written.models())
