"""The reasons why a gallery's captions may be hard queries: all rules on each caption."""

from collections.abc import Sequence
from dataclasses import replace

from error_analysis.reasons.captions import modifiers, no_visual_content, typos, unfindable
from error_analysis.reasons.reason import Reason
from error_analysis.reasons.words import are_english
from preprocess.captions.split_file import Split

REASON_NAMES = (typos.NAME, modifiers.NAME, *unfindable.NAMES, no_visual_content.NAME)


def caption_reasons(gallery: Split, training_captions: Sequence[str]) -> list[tuple[Reason, ...]]:
    """Return the reasons of each caption of the gallery, in order; most captions have none.

    None has any where the captions are not in English (`words.are_english`), as the rules are.

    Args:
        gallery: the captions, which are compared with those of the same and of other images.
        training_captions: of other images, may be none: their words and word pairs tell a typo
            from a word. The more, the fewer real-word slips are missed.
    """
    if not are_english(gallery.captions):
        return [()] * len(gallery.captions)
    slips = typos.typos(gallery, training_captions)
    # A slip is no word that nobody else says.
    lost = unfindable.unfindable(_repaired(gallery, slips))
    reasons = []
    for caption, typo, not_found in zip(gallery.captions, slips, lost, strict=True):
        nothing = no_visual_content.no_visual_content(caption)
        found = (
            typo,
            # A caption that describes nothing is vague and abstract too, but fails for this.
            nothing or modifiers.long_modifier(caption),
            None if nothing else not_found,
        )
        reasons.append(tuple(reason for reason in found if reason is not None))
    return reasons


def _repaired(gallery: Split, slips: Sequence[Reason | None]) -> Split:
    """Return the gallery with its captions as they were meant."""
    meant = iter(slip.repair if slip and slip.repair else None for slip in slips)
    images = tuple(
        replace(
            image,
            captions=tuple(replace(c, caption=next(meant) or c.caption) for c in image.captions),
        )
        for image in gallery.images
    )
    return replace(gallery, images=images)
