import json

import pytest

from error_analysis.caption_or_image import main
from error_analysis.queries.model_rankings import read_model_rankings
from error_analysis.site.query_page.labels import caption_or_image_labels
from error_analysis.site.query_page.numbers import QueryNumbers
from error_analysis.site.sections.caption_or_image import read_captions_or_images
from error_analysis.statistics.hard_images import KINDS
from preprocess.base.errors import InputError
from preprocess.captions.split_file import write_split
from tests.error_analysis.scored import save_rankings
from tests.error_analysis.site.sections.drawn import drawn, text_of
from tests.error_analysis.site.sections.written import rewrite
from tests.error_analysis.statistics.test_hard_images import GENERATED, HUMAN, model_of_ranks
from tests.error_analysis.test_caption_or_image import as_generated


@pytest.fixture
def models(tmp_path):
    gallery = model_of_ranks(HUMAN).gallery
    write_split(tmp_path / "test.json", gallery)
    scores = model_of_ranks(HUMAN).rankings.scores
    path = save_rankings(tmp_path / "clip" / "test.npz", scores, gallery)
    return read_model_rankings([path], gallery)


@pytest.fixture
def file(tmp_path, models, run_main):
    said = as_generated(models[0].gallery)
    write_split(tmp_path / "generated.json", said)
    scores = model_of_ranks(GENERATED).rankings.scores
    generated = save_rankings(tmp_path / "generated" / "test.npz", scores, said)
    arguments = ["--rankings", models[0].path, "--generated_rankings", generated]
    arguments += ["--split_file", tmp_path / "test.json"]
    arguments += ["--generated_split_file", tmp_path / "generated.json"]
    assert run_main(main, *arguments, "--output", tmp_path / "found.json") == 0
    return tmp_path / "found.json"


def test_the_table_has_all_images_and_its_tests(file, models):
    found = read_captions_or_images(file, models)
    [one] = found.found
    assert (found.hard_rank, one.model, one.n_images) == (10, "clip", 20)
    counts = {kind: len(ids) for kind, ids in one.image_ids.items()}
    assert counts == dict(zip(KINDS, (2, 1, 2, 15), strict=True))
    told = json.loads(file.read_text())["models"]["clip"]
    assert (one.expected, one.by_image_p) == (told["expected_counts"], told["recall"]["by_image_p"])


def test_each_field_leads_to_the_captions_of_its_images(file, models):
    found = read_captions_or_images(file, models)
    html = drawn("caption_or_image", found, models)
    link = "queries.html#direction=t2i&amp;a=clip&amp;has=caption%20or%20image:hard%20by"
    assert f'href="{link}%20both">2</a>' in html
    assert f'href="{link}%20human%20captions%20alone">1</a>' in html
    assert "clip: 20 images R@10 by human captions" in text_of(html)
    assert "2 10.0 % of one human caption 2.5" in text_of(html)
    labels = caption_or_image_labels(found.found[0].image_ids, 0, QueryNumbers(models[0].gallery))
    assert [label.name for label in labels] == [
        "hard by both", "hard by human captions alone", "hard by the generated alone",
        "hard by neither",
    ]  # fmt: skip
    assert sum(len(label.numbers) for label in labels) == QueryNumbers(models[0].gallery).n_queries


def other_image(content):
    content["models"]["clip"]["image_ids"]["hard by both"].pop()


def no_kind(content):
    del content["models"]["clip"]["image_ids"]["by neither"]


@pytest.mark.parametrize(
    ("change", "told"), [(other_image, "other rankings"), (no_kind, "not a file of")]
)
def test_a_file_of_others_or_none_is_one_line(file, models, change, told):
    with pytest.raises(InputError, match=told):
        read_captions_or_images(rewrite(file, change), models)
