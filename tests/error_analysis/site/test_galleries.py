import pytest

from error_analysis.explaining.query_reasons import Evidence, explain_model
from error_analysis.reasons.reason import Reason
from error_analysis.site.galleries import (
    Galleries,
    hard_galleries,
    model_slugs,
    shown_image_ids,
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


def test_a_query_has_one_name_wherever_it_is_shown():
    hard = {card.item: card.anchor for card in hard_galleries(MODELS, 40)[0].cards}
    wins = {card.item: card.anchor for card in win_galleries(MODELS, 40)[2].cards}
    assert next(iter(hard.values())) == "a-i2t-103"
    assert wins.items() <= hard.items()  # b beats a: a fails


def test_the_rank_of_a_card_is_that_of_the_failing_model():
    wins = win_galleries(MODELS, 40)[2]
    assert [(card.item.image_id, card.rank) for card in wins.cards] == [(103, 25), (101, 12)]


def test_galleries_have_names_of_their_own_and_so_have_their_cards():
    galleries = hard_galleries(MODELS, 40) + win_galleries(MODELS, 40)
    anchors = [gallery.anchor for gallery in galleries]
    assert len(anchors) == len(set(anchors))
    for gallery in galleries:
        cards = [card.anchor for card in gallery.cards]
        assert len(cards) == len(set(cards))


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        (["lxmert", "clip"], ["lxmert", "clip"]),
        (["CLIP B/32", "clip-b-32", "clip b_32"], ["clip-b-32", "clip-b-32-2", "clip-b-32-3"]),
        (["<script>", "../..", "図"], ["script", "x", "x-2"]),
    ],
)
def test_a_model_has_a_name_that_is_safe_in_an_address(names, slugs):
    assert model_slugs(names) == slugs


def test_a_reason_has_a_gallery_of_the_hard_queries_that_have_it():
    split = make_split([1] * 30)
    model = make_model(scores_with_ranks(A).T, split, "a")
    of_caption = [()] * 30
    of_caption[3] = (Reason("typo", "giarffs, for giraffes", "giraffes"),)
    of_caption[7] = (Reason("typo", "caption 7 is easy"),)
    evidence = Evidence(tuple(of_caption), {}, None, None)
    explained = {"a": explain_model(model, evidence)}
    galleries = Galleries([model], 40, explained).reasons()
    [typo] = [gallery for gallery in galleries if gallery.direction == "t2i"]
    assert (typo.title, typo.n_found) == ("Typo, hard for a", 1)
    [card] = typo.cards
    assert card.item.image_id == 103
    assert card.explained.reasons[0].repair == "giraffes"


def test_only_images_on_the_page_are_shown():
    scores = scores_with_ranks([12] + [0] * 29)
    split = make_split([1] * 30)
    image_queries = hard_galleries([make_model(scores, split)], 40)[:1]
    assert shown_image_ids(image_queries) == [100]
    [card] = hard_galleries([make_model(scores.T, split)], 40)[1].cards
    assert sorted(card.image_ids()) == list(range(100, 111))
