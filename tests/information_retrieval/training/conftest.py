"""Recorded outputs of X-VLM's published code, for all tests here."""

from tests.information_retrieval.models.xvlm.reference import (  # noqa: F401 (fixtures)
    fine_tuned,
    pretrained,
    reference,
)
