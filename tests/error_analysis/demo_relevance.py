"""Which captions of the miniature COCO are true of which of its scenes, told from the scenes."""

import re
from pathlib import Path

import numpy as np

from demo.annotations import Record
from demo.phrases import BACKGROUNDS, NOUNS, NUMBERS, PLURALS
from demo.render import RenderArguments, make_records
from demo.scenes import COLOURS, Scene
from preprocess.split_file import Caption, CaptionedImage, Split

CATEGORY_OF = {name: name for name in NOUNS} | {plural: one for one, plural in PLURALS.items()}
CATEGORY_OF |= {noun: category for category, nouns in NOUNS.items() for noun in nouns}
NOUN = "|".join(sorted(map(re.escape, CATEGORY_OF), key=len, reverse=True))
NAMED = re.compile(rf"((?:\w+ )*?)\b({NOUN})\b")
COUNT_OF = {word: number for number, word in NUMBERS.items()}
# Kinds whose text names things: of the others, no scene tells whether they are true.
NAMING_KINDS = ("plain", "typo")
Thing = tuple[str, str | None]


def demo_records(n_images: int) -> list[Record]:
    """The records of the default demo's test images, or as many as are asked for."""
    return make_records(RenderArguments(Path("unused")))[-n_images:]


def demo_split(records: list[Record]) -> Split:
    images = tuple(
        CaptionedImage(
            record.image_id,
            record.file_name,
            tuple(
                Caption(caption_id, caption.text)
                for caption_id, caption in zip(record.caption_ids, record.captions, strict=True)
            ),
        )
        for record in records
    )
    return Split("demo", "test", "demo.render", images)


def true_pairs(records: list[Record]) -> tuple[np.ndarray, np.ndarray]:
    """Tell which caption is true of which scene, and of which captions that can be told.

    A caption is true of a scene where its background, if named, is the scene's, and each thing it
    names is there, in the colour that it names. Sizes, relations and wear are not looked at.

    Returns:
        (n_captions, n_images) bool, (n_captions,) bool.
    """
    captions = [caption for record in records for caption in record.captions]
    read = [read_caption(caption.intended) for caption in captions]
    true = np.array([[is_true(*said, record.scene) for record in records] for said in read])
    return true, np.array([caption.kind in NAMING_KINDS for caption in captions])


def read_caption(text: str) -> tuple[str | None, list[Thing]]:
    """Return the background, and the things with their colours, that a caption names."""
    text, background = text.lower(), None
    for name, phrases in BACKGROUNDS.items():
        for phrase in sorted(phrases, key=len, reverse=True):
            if phrase in text:
                background, text = name, text.replace(phrase, " ")
    things = []
    for before, noun in NAMED.findall(re.sub(r"(on|to) the (left|right) of", " ", text)):
        words = before.split()
        colour = next((word for word in reversed(words) if word in COLOURS), None)
        count = next((COUNT_OF[word] for word in words if word in COUNT_OF), 1)
        things += [(CATEGORY_OF[noun], colour)] * count
    return background, things


def is_true(background: str | None, things: list[Thing], scene: Scene) -> bool:
    if background not in (None, scene.background):
        return False
    return _found(things, [(thing.category, thing.colour) for thing in scene.things])


def _found(things: list[Thing], there: list[Thing]) -> bool:
    if not things:
        return True
    (category, colour), *others = things
    return any(
        category == one[0]
        and colour in (None, one[1])
        and _found(others, there[:i] + there[i + 1 :])
        for i, one in enumerate(there)
    )
