"""Recorded outputs of X-VLM's published code and numbers of Sx3HRe, for all tests here."""

from tests.information_retrieval.models.sx3hre.reference import recorded  # noqa: F401 (a fixture)
from tests.information_retrieval.models.xvlm.reference import (  # noqa: F401 (fixtures)
    fine_tuned,
    pretrained,
    reference,
)
