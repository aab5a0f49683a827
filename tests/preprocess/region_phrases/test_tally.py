"""What is counted, and how it is told."""

from preprocess.region_phrases.tally import Tally


def test_the_first_few_are_named():
    tally = Tally()
    tally.announce("images of test.json left out")
    tally.add("crowds left out", "image 1", 1200)
    for number in range(4):
        tally.add("boxes cut", f"box {number}")
    assert tally.lines() == [
        "0 images of test.json left out",
        "1,200 crowds left out: image 1; ...",
        "4 boxes cut: box 0; box 1; box 2; ...",
    ]
