"""METEOR of recorded counts; of the Java program where it is."""

import importlib.util
import shutil

import numpy as np
import pytest

from captioning.metrics.java import NotComputedError
from captioning.metrics.meteor import meteor, meteor_counts
from tests.captioning.recorded import (
    CAPTIONS,
    METEOR_COUNTS,
    METEOR_OF_SET,
    METEOR_PER_IMAGE,
    REFERENCE_WORDS,
)

# The words do not matter where the program's answers are given.
REFERENCES = [[one.split() for one in own] for own in REFERENCE_WORDS]
WORDS = [caption.split() for caption in CAPTIONS]


def answers(counts: np.ndarray) -> str:
    """A script that reads all and tells these counts."""
    lines = "\n".join(" ".join(f"{count}.0" for count in row) for row in counts)
    return f"cat > /dev/null; cat <<'END'\n{lines}\nEND"


def test_counts_give_the_recorded_values(wheel, make_java):
    (counts,) = meteor_counts([WORDS], REFERENCES, make_java(does=answers(METEOR_COUNTS)))
    np.testing.assert_allclose(meteor(counts), METEOR_PER_IMAGE, rtol=0, atol=1e-12)
    assert meteor(counts.sum(axis=0)) == pytest.approx(METEOR_OF_SET, abs=1e-12)


def test_systems_are_asked_in_one_process_and_told_apart(wheel, make_java):
    java = make_java(does=answers(np.concatenate([METEOR_COUNTS, METEOR_COUNTS[::-1]])))
    first, second = meteor_counts([WORDS, WORDS], REFERENCES, java)
    np.testing.assert_array_equal(first, second[::-1])


def test_a_line_is_asked_for_each_caption(wheel, make_java, tmp_path):
    java = make_java(does=f"tee {tmp_path}/asked > /dev/null")
    with pytest.raises(NotComputedError, match="answered 0 lines to 1"):
        meteor_counts([[["a", "|||", "dog"]]], [[["two", "dogs"], ["dogs"]]], java)
    assert (tmp_path / "asked").read_text() == "SCORE ||| two dogs ||| dogs ||| a  dog\n"


def test_nothing_in_common_is_zero_and_no_warning(recwarn):
    empty = np.zeros(23)
    empty[:2] = 3, 4
    assert meteor(empty) == 0
    assert meteor(np.zeros(23)) == 0
    assert not recwarn


def test_without_the_wheel_the_reason_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotComputedError, match="pip install --no-deps pycocoevalcap"):
        meteor_counts([WORDS], REFERENCES)


@pytest.mark.long
@pytest.mark.parametrize("tokenization", ["ptb", "plain"])
def test_the_java_program_gives_the_recorded_values(coco90_metrics, tokenization):
    if shutil.which("java") is None or importlib.util.find_spec("pycocoevalcap") is None:
        pytest.skip("needs Java and pycocoevalcap, which are not here")
    recorded = [one[tokenization] for one in coco90_metrics["sets"].values()]
    systems = [[one.split() for one in own["candidates_tokenized"]] for own in recorded]
    references = [
        [one.split() for one in own] for own in coco90_metrics["references_tokenized"][tokenization]
    ]
    for counts, own in zip(meteor_counts(systems, references), recorded, strict=True):
        assert meteor(counts.sum(axis=0)) == pytest.approx(own["corpus"]["METEOR"], abs=1e-12)
        np.testing.assert_allclose(meteor(counts), own["per_image"]["METEOR"], rtol=0, atol=1e-12)
