import pytest

from error_analysis.probing.harmless_edit import harmless_edit


@pytest.mark.parametrize(
    ("caption", "edited"),
    [
        ("A dog runs.", "The dog runs."),
        ("An old dog", "The old dog"),
        ("the dog and a cat", "a dog and a cat"),
        (" The dog", " A dog"),
        ("Two dogs run.", "Two dogs run"),
        ("Two dogs run . ", "Two dogs run"),
        ("Another dog", "Another dog."),
        ("a", "a."),
        ("...", "...."),
    ],
)
def test_one_article_or_the_full_stop_is_changed(caption, edited):
    assert harmless_edit(caption) == edited


def test_no_caption_becomes_empty_or_stays_as_it_is():
    for caption in (".", "a .", "the", "\N{DOG FACE}", "A dog"):
        assert harmless_edit(caption).strip()
        assert harmless_edit(caption) != caption
