"""How often each tag was given."""

from error_analysis.judging.tag_counts import count_tags, counts_table, counts_to_json
from error_analysis.statistics.proportions import wilson_interval
from tests.error_analysis.judging.judged import caption, file_of, image, panel_of_files

PANEL = panel_of_files(
    file_of("Anna", caption(1, "typo"), caption(2, "none"), caption(3, "typo", "x"), image(9, "x")),
    file_of("Ben", caption(1, "x"), caption(3, "typo"), caption(4, note="hm"), tags=("unused",)),
)


def test_each_judge_s_tags_are_counted_by_direction():
    anna = counts_to_json(count_tags(PANEL, PANEL.votes["Anna"]))
    low, high = wilson_interval(2, 3)
    assert anna["t2i"]["judged"] == anna["t2i"]["images"] == 3
    assert anna["t2i"]["tags"][0] == {
        "tag": "typo", "queries": 2, "share": 2 / 3, "low": low, "high": high, "images": 3,
    }  # fmt: skip
    assert [tag["tag"] for tag in anna["t2i"]["tags"]] == ["typo", "x", "none"]
    assert [tag["queries"] for tag in anna["i2t"]["tags"]] == [1]
    ben = count_tags(PANEL, PANEL.votes["Ben"])
    assert (ben["t2i"].judged, ben["i2t"].judged, ben["i2t"].tags) == (2, 0, {})


def test_together_a_query_counts_once_and_those_without_a_majority_are_counted():
    together = count_tags(PANEL, PANEL.majority())["t2i"]
    assert (together.judged, together.undecided) == (3, 1)  # Anna: typo, Ben: x
    assert {tag: n for tag, (n, _) in together.tags.items()} == {"typo": 1, "none": 1}


def test_the_table_has_a_column_for_each_judge():
    counts = [(judge, count_tags(PANEL, votes)) for judge, votes in PANEL.votes.items()]
    lines = counts_table(PANEL, [*counts, ("both", count_tags(PANEL, PANEL.majority()))])
    lines = [line.split() for line in lines.splitlines()]
    assert ["Anna", "Ben", "both"] in lines
    assert ["judged", "3", "2", "3"] in lines
    assert ["no", "majority", "1"] in lines
    assert not any("unused" in line for line in lines)
