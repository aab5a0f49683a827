"""Rankings that belong together, and those that do not."""

from dataclasses import replace

import numpy as np
import pytest

from captioning.self_retrieving.same_model import check_made_alike
from information_retrieval.ranking.rankings import rank_scores
from preprocess.base.errors import InputError
from tests.captioning.conftest import split_of

METADATA = {"weights": "sha256:a", "dtype": "float32", "path": "human/test.npz"}
SPLIT = split_of([["a", "b"], ["c"]])
HUMAN = rank_scores(np.eye(2, dtype=np.float32)[:, [0, 0, 1]], SPLIT, METADATA)
GENERATED = rank_scores(np.eye(2, dtype=np.float32), split_of([["a"], ["c"]]), METADATA)


def test_one_model_and_the_same_images_pass_whatever_the_captions():
    check_made_alike(HUMAN, GENERATED)
    untold = replace(HUMAN, metadata={"source": "the original code"})
    check_made_alike(untold, GENERATED)


def test_another_model_or_type_is_named():
    other = replace(GENERATED, metadata={**METADATA, "weights": "sha256:b", "dtype": "bfloat16"})
    expected = "human/test.npz: made with other weights, dtype than the rankings of the generated"
    with pytest.raises(InputError, match=expected):
        check_made_alike(HUMAN, other)


def test_other_images_are_refused():
    fewer = rank_scores(np.ones((1, 1), np.float32), split_of([["a"]]), METADATA)
    with pytest.raises(InputError, match=r"expected the 1 images .* found 2, other ones"):
        check_made_alike(HUMAN, fewer)
