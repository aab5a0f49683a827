"""The bars, held against measurements made up for the purpose."""

from benchmarks.gpu.bars import bars


def way(**values) -> dict:
    return {"ours": True, **values}


def test_the_best_of_our_ways_counts_and_is_named():
    lxmert = {
        "ours, float32": way(minutes_5k=90.0),
        "ours, float16": way(minutes_5k=21.0),
        "plain, float16": {"minutes_5k": 5.0},
        "ours, compiled": {"error": "no compiler"},
    }
    xvlm = {"ours, float16": way(minutes_5k=16.0), "plain, float16": {"minutes_5k": 9.0}}
    detector = {
        "ours, float32": way(minutes_coco=70.0, of_plain=4.0, regions_same=1.0),
        "ours, bfloat16": way(minutes_coco=30.0, of_plain=9.0, regions_same=0.7),
    }
    measured = {"lxmert": lxmert, "xvlm": xvlm, "detector": detector}
    found = bars({name: {"results": results} for name, results in measured.items()})
    assert [bar.met for bar in found] == [True, False, True, False, True, False]
    assert found[0].found == "21.0 minutes, ours, float16"
    assert found[1].found == "16.0 minutes, ours, float16"
    assert found[3].found == "70.0 minutes, ours, float32"
    assert found[4].found == "9.0 times, ours, bfloat16"


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert {(bar.found, bar.met) for bar in bars({"lxmert": {"results": {}}})} == {(None, None)}
