import numpy as np

from error_analysis.queries.hubs import count_intrusions
from error_analysis.queries.query import Item
from error_analysis.site.base.label_names import hub_name
from error_analysis.site.sections.hubs import MOST_HUBS, find_hubs
from tests.error_analysis.scored import make_model, make_split
from tests.error_analysis.site.sections.drawn import counts_of, drawn, queries_behind, text_of

N = 15


def model(name: str, hub: int):
    """Two captions an image: each retrieves the hub, its own image, and those that follow it."""
    follows = (np.arange(N)[:, None] - np.arange(2 * N) // 2) % N  # (n_images, n_captions)
    scores = -follows.astype(np.float32)
    scores[hub] = 100
    return make_model(scores, make_split([2] * N, "a <i>caption</i> {}"), name)


def test_a_hub_is_named_as_its_label():
    assert hub_name(Item(123)) == "image 123"
    assert hub_name(Item(123, 5003, "a dog")) == "caption 5003"


def test_the_largest_hubs_are_found_with_what_they_say():
    models = [model("a", 14), model("b", 3)]
    [first] = [one for one in find_hubs(models) if (one.model, one.direction) == ("a", "t2i")]
    assert len(first.hubs) == MOST_HUBS
    hub = first.hubs[0]
    assert (hub.document, hub.name, hub.caption) == (14, "image 114", "a <i>caption</i> 5028")
    assert (hub.intrusions, hub.percent) == (2 * N - 2, 100)
    # Each other one follows eight images that are not the hub, and these nine the hub as well.
    assert [one.document for one in first.hubs[1:]] == list(range(9))
    assert {one.intrusions for one in first.hubs[1:]} == {2 * 9}
    assert first.never == 0
    assert first.hubness.skewness == count_intrusions(models[0], "t2i").skewness


def test_the_link_of_a_hub_leads_to_the_queries_that_it_intrudes_into():
    models = [model("a", 14), model("b", 3)]
    html = drawn("hubs", find_hubs(models), models)
    counts = counts_of(html)
    assert len(counts) == 2 * 2 * MOST_HUBS
    assert {f: n for f, n in counts if len(queries_behind(f, models)) != n} == {}
    assert 'loading="lazy" src="pictures/114.webp" alt="a &lt;i&gt;caption&lt;/i&gt; 5028"' in html


def test_captions_that_intrude_are_shown_with_their_text_and_image():
    scores = np.tile(-np.arange(2 * N, dtype=np.float32), (N, 1))  # all retrieve captions 0 to 9
    models = [make_model(scores, make_split([2] * N), "a")]
    html = drawn("hubs", find_hubs(models), models)
    assert f"caption 5000 {N - 1} queries".replace(" ", "") in text_of(html).replace(" ", "")
    assert 'src="pictures/104.webp" alt=""' in html
    assert ("direction=i2t&a=a&has=hub:caption%205000", N - 1) in counts_of(html)


def test_a_gallery_that_nothing_intrudes_into_has_no_hubs():
    models = [make_model(np.float32([[1, 0], [0, 1]])[:1, :1].repeat(1, 0), make_split([1]), "a")]
    assert all(one.hubs == () for one in find_hubs(models))
    assert "intrude most" not in drawn("hubs", find_hubs(models), models)
