"""What random captions would name and say."""

import numpy as np
import pytest

from error_analysis.reasons.images.base_rates import base_rates, exceeds
from error_analysis.reasons.mentions import Vocabulary
from tests.error_analysis.scored import gallery_of

GALLERY = gallery_of(("A kitten and a dog", "A dog"), ("A cat on a street", "A street"))


def test_shares_are_of_captions_with_wider_nouns_as_said():
    rates = base_rates(GALLERY, Vocabulary())
    assert rates.named == {"cat": 0.5, "dog": 0.5}
    assert rates.said["kitten"] == 0.25
    assert rates.said["cat"] == 0.5
    assert rates.said["animal"] == 0.75


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_chance_exceeds_what_it_gives_once_in_a_hundred_times(rate):
    counts = np.random.default_rng(0).binomial(10, rate, 20_000)
    assert np.mean([exceeds(int(count), 10, rate) for count in counts]) < 0.012
    assert exceeds(10, 10, rate)
    assert not exceeds(0, 10, 0.0)
