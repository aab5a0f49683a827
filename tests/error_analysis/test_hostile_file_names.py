"""Names of image files that are HTML or script: the report shows them, and nothing runs."""

from dataclasses import replace

from tests.error_analysis import report_folder
from tests.error_analysis.report_folder import A, B, make_inputs, make_report
from tests.error_analysis.scored import scores_with_ranks

NAME = "{}<script>alert(1)<b>\"'&.jpg"


def test_a_file_name_is_text_wherever_the_report_shows_it(tmp_path, monkeypatch):
    make_split = report_folder.make_split

    def with_hostile_names(*arguments):
        split = make_split(*arguments)
        images = (replace(i, file_name=NAME.format(i.image_id)) for i in split.images)
        return replace(split, images=tuple(images))

    monkeypatch.setattr(report_folder, "make_split", with_hostile_names)
    arguments = make_inputs(tmp_path, scores_with_ranks(A), scores_with_ranks(B))
    site = make_report(monkeypatch, arguments)
    for page in site.pages.values():
        assert page.tags["script"] == 1
        assert page.tags["b"] == 0
    assert "<script>alert(1)<b>" in site.text
