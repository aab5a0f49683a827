"""Recorded numbers of Sx3HRe, for all tests here."""

from tests.information_retrieval.models.sx3hre.reference import recorded  # noqa: F401 (a fixture)
