import numpy as np

from error_analysis.explaining.query_reasons import Evidence, explain_model
from error_analysis.reasons.reason import Reason
from error_analysis.site.notebook.galleries import (
    hard_galleries,
    make_cards,
    win_galleries,
)
from tests.error_analysis.scored import make_model, make_split, model_of_ranks, scores_with_ranks

A = [0, 12, 10, 25, 12] + [0] * 25
B = [15, 0, 29, 3, 12] + [0] * 25
MODELS = [model_of_ranks(A, "a"), model_of_ranks(B, "b")]


def image_ids(gallery) -> list[int]:
    return [card.item.image_id for card in gallery.cards]


def test_each_model_and_direction_has_a_gallery_worst_rank_first():
    galleries = hard_galleries(MODELS, max_queries=40)
    titles = [(gallery.title, gallery.direction) for gallery in galleries]
    assert titles == [(f"Hard for {name}", d) for name in "ab" for d in ("i2t", "t2i")]
    assert image_ids(galleries[0]) == [103, 101, 104, 102]
    assert image_ids(galleries[2]) == [102, 100, 104]


def test_no_more_cards_than_asked_for_but_all_are_counted():
    gallery = hard_galleries(MODELS, max_queries=2)[0]
    assert image_ids(gallery) == [103, 101]
    assert (gallery.n_found, gallery.n_queries) == (4, 30)


def test_wins_come_in_both_orders_largest_difference_first():
    galleries = win_galleries(MODELS, max_queries=40)
    assert [g.title for g in galleries[::2]] == ["a beats b", "b beats a"]
    assert image_ids(galleries[0]) == [100]
    assert image_ids(galleries[2]) == [103, 101]


def test_one_model_has_no_wins():
    assert win_galleries(MODELS[:1], max_queries=40) == []


def test_a_card_shows_the_query_under_every_model():
    card = hard_galleries(MODELS, max_queries=1)[0].cards[0]
    assert [view.rank for view in card.views] == [25, 3]
    assert {view.item for view in card.views} == {card.item}


def test_the_wins_of_one_are_told_under_both():
    wins = win_galleries(MODELS, 40)[2]
    ranks = [[view.rank for view in card.views] for card in wins.cards]
    assert ranks == [[25, 3], [12, 0]]


def test_galleries_and_cards_have_names_of_their_own():
    galleries = hard_galleries(MODELS, 40) + win_galleries(MODELS, 40)
    anchors = [gallery.anchor for gallery in galleries]
    anchors += [card.anchor for gallery in galleries for card in gallery.cards]
    assert len(anchors) == len(set(anchors))
    assert "hard_a_i2t_i2t-103" in anchors


def test_a_card_tells_why_its_query_is_hard():
    split = make_split([1] * 30)
    model = make_model(scores_with_ranks(A).T, split, "a")
    of_caption = [()] * 30
    of_caption[3] = (Reason("typo", "giarffs, for giraffes", "giraffes"),)
    explained = explain_model(model, Evidence(tuple(of_caption), {}, None, None))
    hard, easy = make_cards([model], "t2i", [3, 0], explained=explained)
    assert hard.item.caption_id == 5003
    assert hard.explained.reasons[0].repair == "giraffes"
    assert easy.explained is None


def test_a_document_that_other_models_list_is_told_with_its_places():
    split = make_split([1] * 30)
    order = np.arange(30, 0, -1, dtype=np.float32)
    scores = np.tile(order, (30, 1)).T  # of every caption: image 100 first, then 101, ...
    models = [make_model(s, split, n) for s, n in ((scores, "a"), (scores[::-1], "b"))]
    models.append(make_model(np.roll(scores, 3, axis=0), split, "c"))
    [card] = make_cards(models, "t2i", [0])
    items = [document.item for document in card.views[0].retrieved]
    assert [item.image_id for item in items] == list(range(100, 110))
    assert [card.also_in(0, item) for item in items[3:5]] == [[(2, 0)], [(2, 1)]]
    assert card.also_in(0, items[0]) == []
    assert card.also_in(2, items[3]) == [(0, 3)]


def test_only_images_that_are_retrieved_are_shown():
    scores = scores_with_ranks([12] + [0] * 29)
    split = make_split([1] * 30)
    [of_image] = make_cards([make_model(scores, split)], "i2t", [0])
    assert of_image.image_ids() == {100}
    [of_caption] = make_cards([make_model(scores.T, split)], "t2i", [0])
    assert sorted(of_caption.image_ids()) == list(range(100, 111))
