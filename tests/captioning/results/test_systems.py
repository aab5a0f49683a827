"""Systems scored together; what cannot be computed has its reason."""

import numpy as np
import pytest

from captioning.metrics.scores import prepare_references, score_captions
from captioning.results.systems import JavaPrograms, estimate, score_systems
from tests.captioning.recorded import CAPTIONS, METEOR_COUNTS, METEOR_OF_SET, REFERENCES

NO_JAVA = JavaPrograms("no-such-java")


def test_each_system_has_its_own_scores():
    references = prepare_references(REFERENCES)
    systems = [CAPTIONS, CAPTIONS[::-1]]
    found = score_systems(systems, references, NO_JAVA)
    for captions, scores in zip(systems, found.scores, strict=True):
        assert scores.values() == score_captions(captions, references).values()


def test_what_java_does_not_give_has_a_reason():
    found = score_systems([CAPTIONS], prepare_references(REFERENCES), NO_JAVA)
    assert set(found.not_computed) == {"METEOR", "SPICE"}
    assert "--corenlp" in found.not_computed["SPICE"]


def test_meteor_is_there_with_java_and_the_wheel(wheel, make_java):
    lines = "\n".join(" ".join(map(str, row)) for row in METEOR_COUNTS)
    java = make_java(does=f"cat > /dev/null; cat <<'END'\n{lines}\nEND")
    found = score_systems([CAPTIONS], prepare_references(REFERENCES), JavaPrograms(java))
    assert set(found.not_computed) == {"SPICE"}
    assert found.scores[0].values()["METEOR"] == pytest.approx(METEOR_OF_SET, abs=1e-12)


def test_one_image_has_no_cider_and_is_told_why():
    found = score_systems([CAPTIONS[:1]], prepare_references(REFERENCES[:1]), NO_JAVA)
    assert "CIDEr" not in found.scores[0].values()
    assert "of one image alone it is always 0" in found.not_computed["CIDEr"]


def test_without_another_system_there_are_no_differences():
    first = score_captions(CAPTIONS, prepare_references(REFERENCES))
    [metrics], differences = estimate(first, [], seed=0, n_resamples=10)
    assert metrics["CIDEr"].value == first.values()["CIDEr"]
    assert differences is None
    _, differences = estimate(first, [first], seed=0, n_resamples=10)
    assert differences is not None
    assert np.array([one.high for one in differences.values()]).tolist() == [0] * 6
