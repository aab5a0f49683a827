"""Tables and JSON of metrics."""

from captioning.metrics.resampling import Interval
from captioning.metrics.scores import prepare_references, score_captions
from captioning.results.caption_counts import count_captions
from captioning.results.metrics_json import (
    counts_table,
    intervals_to_json,
    metrics_table,
    per_image_to_json,
)
from preprocess.captions.split_file import Caption, CaptionedImage
from tests.captioning.recorded import CAPTIONS, PER_IMAGE, REFERENCES

METRICS = {"Bleu_1": Interval(0.5, 0.4, 0.6), "CIDEr": Interval(1.25, 1, 1.5)}
CONSTANT = {"Bleu_1": 0.25, "CIDEr": 0.125}


def test_a_line_a_metric_with_what_stands_beside_it():
    lines = metrics_table(METRICS, CONSTANT, None, {"SPICE": "no Java"}, None).splitlines()
    assert lines[0].split() == ["value", "95", "%", "interval", "constant", "caption"]
    assert lines[1].split() == ["BLEU-1", "0.5000", "0.4000", "to", "0.6000", "0.2500"]
    assert lines[2].split() == ["CIDEr-D", "1.2500", "1.0000", "to", "1.5000", "0.1250"]
    assert lines[3] == "SPICE         not computed: no Java"
    assert len({len(line) for line in lines[:3]}) == 1


def test_differences_have_their_sign_and_long_captions_their_column():
    differences = {"Bleu_1": Interval(-0.1, -0.2, 0.01), "CIDEr": Interval(0.5, 0.25, 0.75)}
    lines = metrics_table(METRICS, CONSTANT, CONSTANT, {}, differences).splitlines()
    assert lines[1].split()[-4:] == ["-0.1000", "-0.2000", "to", "+0.0100"]
    assert lines[1].split()[5:7] == ["0.2500", "0.2500"]
    assert len({len(line) for line in lines}) == 1


def test_each_image_has_its_values_and_its_name():
    scores = score_captions(CAPTIONS, prepare_references(REFERENCES))
    images = [
        CaptionedImage(number, "x.jpg", (Caption(number, "a"),), name)
        for number, name in ((1, "kite"), (2, None), (3, None), (4, None))
    ]
    first, second, *_ = per_image_to_json(images, CAPTIONS, scores)
    assert list(first)[:3] == ["image_id", "source_id", "caption"]
    assert "source_id" not in second
    assert second["CIDEr"] == PER_IMAGE["CIDEr"][1]


def test_counts_are_a_few_lines():
    table = counts_table(count_captions(range(3), ["a dog", "a dog", "a <unk>"]))
    assert "3, 2 distinct" in table
    assert "66.7 % are 'a dog'" in table
    assert "33.3 %" in table


def test_intervals_are_objects():
    assert intervals_to_json(METRICS)["CIDEr"] == {"value": 1.25, "low": 1, "high": 1.5}
