"""A captioner's captions, as the page of a query has them."""

import json

import pytest

from error_analysis.site.query_page.generated import read_generated
from error_analysis.site.query_page.index import index_of
from preprocess.base.errors import InputError
from tests.error_analysis.scored import make_model, make_split, scores_with_ranks

SPLIT = make_split([1] * 30)
GALLERY = SPLIT.first(4)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "said.json"

    def write(texts: dict[int, str]):
        path.write_text(json.dumps([{"image_id": i, "caption": t} for i, t in texts.items()]))
        return path

    return write


def test_the_images_of_the_gallery_have_their_captions_in_order(file):
    path = file({i: f"</script> {i}" for i in range(129, 99, -1)})
    found, told = read_generated(path, SPLIT, GALLERY)
    assert (found.captioner, told) == (path.parent.name, [])
    assert found.texts == tuple(f"</script> {i}" for i in range(100, 104))
    model = make_model(scores_with_ranks([0] * 4), GALLERY)
    assert index_of([model], [], 10, False, found)["generated"] == found.to_json()
    assert "generated" not in index_of([model], [], 10, False)


def test_images_that_the_file_lacks_are_counted_in_the_report_alone(file):
    path = file(dict.fromkeys((100, 102, 103, 110), "a dog"))
    found, told = read_generated(path, SPLIT, GALLERY)
    assert found.texts == ("a dog", None, "a dog", "a dog")
    assert told == [f"{path}: 1 images of the report have no caption"]
    found, told = read_generated(file({100: "a\tdog"}), SPLIT, SPLIT.first(1))
    assert found.texts == ("a dog",)
    assert len(told) == 1
    assert "line breaks or other white space" in told[0]


def test_captions_of_other_images_are_refused(file):
    with pytest.raises(InputError, match=r"of images that split 'test' .* does not have"):
        read_generated(file({1: "a dog", 2: "a cat"}), SPLIT, GALLERY)
