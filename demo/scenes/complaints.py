"""Captions without visual content: what annotators write where they see no picture.

They stand in the place of a few test captions. No training caption is one, as no model could learn
anything from it.
"""

from dataclasses import replace

import numpy as np

from demo.scenes.annotations import Record
from demo.scenes.captions import Caption

# One in a hundred test captions, at most one an image.
_SHARE = 0.01
# Sets their draws apart from those of the scenes, which stay as they are.
_STREAM = 7
_COMPLAINTS = (
    "There is no picture here to describe with a caption.",
    "Image failed to load for me.",
    "I cannot see anything to write about.",
    "Sorry, but nothing is being displayed.",
    "The photo never appeared on my screen.",
    "no idea what this is supposed to be",
    "Could not open the file.",
    "This picture is missing, please check the link.",
    "I am unable to tell what is going on.",
    "Nothing loads when I click.",
    "The image did not come up.",
    "can't make out anything at all",
    "It is impossible to say what this shows.",
    "The website gives an error instead of a photo.",
    "I don't have a picture for this one.",
    "Blank, there is nothing to caption.",
)


def with_complaints(records: list[Record], seed: int) -> list[Record]:
    """Return the records with a plain caption of a few test images replaced by a complaint."""
    generator = np.random.default_rng([seed, _STREAM, len(records)])
    test = [i for i, record in enumerate(records) if record.split == "test"]
    wanted = round(_SHARE * sum(len(records[i].captions) for i in test))
    texts = generator.permutation(_COMPLAINTS).tolist()
    records = list(records)
    for i, text in zip(generator.permutation(test).tolist()[:wanted], texts * wanted, strict=False):
        captions = list(records[i].captions)
        plain = [place for place, caption in enumerate(captions) if caption.kind == "plain"]
        if plain:
            captions[plain[-1]] = Caption(text, "no_visual_content", text)
            records[i] = replace(records[i], captions=tuple(captions))
    return records
