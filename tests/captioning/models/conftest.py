"""Recorded numbers of the captioners, for all tests here."""

from tests.captioning.models.reference import recorded  # noqa: F401 (a fixture)
