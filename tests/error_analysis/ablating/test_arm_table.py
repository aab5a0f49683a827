"""The text of compared arms."""

import pytest

from error_analysis.ablating.arm_table import arm_table, pair_tables
from error_analysis.ablating.published_arms import published_arms
from tests.error_analysis.ablating.small_arms import GOOD, POOR, compared_arms


def rows_of(table: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in table.splitlines() if line.strip()}


def test_an_arm_has_a_line_of_means_and_deviations_and_one_of_intervals(tmp_path):
    compared = compared_arms(tmp_path)
    lines = arm_table(compared).splitlines()
    assert lines[0].startswith("tiny test, protocol full: 12 images, 12 captions; 2 seeds an arm")
    assert lines[1].split()[:4] == ["i2t", "R@1", "i2t", "R@5"]
    assert lines[2].split()[:4] == ["good", "62.50", "±", "17.68"]
    r1 = compared.arms["good"]["i2t_r1"]
    assert lines[3].lstrip().startswith(f"[{r1.low:.2f}, {r1.high:.2f}]")


def test_published_rows_stand_below_and_are_marked_where_they_may_not_be_compared(tmp_path):
    compared = compared_arms(tmp_path)
    table = arm_table(compared, published_arms(compared.gallery))
    assert "published: itc *" in table
    assert "53.38" in table
    assert "399.83" in table  # rsum
    assert "* not comparable: tiny test is not COCO 5K: the data set is called 'tiny'" in table
    assert "as corrected on 3 August 2024, COCO 5K; one training run" in table


def test_a_pair_has_its_differences_seed_by_seed(tmp_path):
    text = pair_tables(compared_arms(tmp_path))
    [r1] = [line for line in text.splitlines() if line.startswith("i2t R@1 ")]
    assert "+25.00" in r1
    assert "+50.00 +0.00" in r1
    assert "+1.4" in r1  # of 17.68
    assert "good less poor on tiny test" in text
    assert "corrected for all 6 of this gallery" in text
    assert "a given one is above once in 6" in text


def test_of_one_seed_the_tables_have_no_word_of_seeds(tmp_path):
    compared = compared_arms(tmp_path, {"good": GOOD[:1], "poor": POOR[:1]})
    assert "one seed an arm: mean, below it" in arm_table(compared)
    assert "±" not in arm_table(compared)
    assert "separated" not in pair_tables(compared)


def test_one_arm_has_no_table_of_differences(tmp_path):
    assert pair_tables(compared_arms(tmp_path, {"good": GOOD})) == ""


@pytest.mark.parametrize("text", ["holds", "not"])
def test_verdicts_are_no_part_of_the_tables(tmp_path, text):
    assert text not in rows_of(pair_tables(compared_arms(tmp_path)))
