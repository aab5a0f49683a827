"""Image queries whose cause of failure is planted: captions of a scene that was changed.

For an image, ten captions are made of its own scene with one thing of it changed, as if a model had
retrieved them: another category in the main object's place, another colour, one thing more; or
nothing, which makes plausible captions.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from demo.scenes.annotations import Record
from demo.scenes.captions import Caption, caption_scene
from demo.scenes.scenes import COLOURS, SETTINGS, Scene, Thing
from error_analysis.queries.query import GroundTruth, Item, Query, Retrieved

Cause = Literal["category", "colour", "number", "nothing"]
CAUSES: tuple[Cause, ...] = ("category", "colour", "number", "nothing")
N_RETRIEVED = 10


@dataclass(frozen=True)
class PlantedQuery:
    """An image query, the scene of its image, what was changed, and the retrieved captions."""

    query: Query
    scene: Scene
    cause: Cause
    retrieved: tuple[Caption, ...]


def plant_queries(records: list[Record], seed: int) -> list[PlantedQuery]:
    """Plant the causes in turn, one an image."""
    return [
        _plant(record, index, CAUSES[index % len(CAUSES)], np.random.default_rng([seed, index]))
        for index, record in enumerate(records)
    ]


def change_scene(scene: Scene, cause: Cause, generator: np.random.Generator) -> Scene:
    """Return the scene with its largest thing, and all of that category, changed."""
    main = max(scene.things, key=lambda thing: thing.box[2] * thing.box[3])
    if cause == "nothing":
        return scene
    if cause == "number":
        return replace(scene, things=(*scene.things, main))
    same = [thing for thing in scene.things if thing.category == main.category]
    if cause == "category":
        held = {thing.category for thing in scene.things}
        others = sorted(set(SETTINGS[scene.background].categories) - held)
        changes = {"category": str(generator.choice(others))}
    else:
        held = {thing.colour for thing in same}
        changes = {"colour": str(generator.choice(sorted(set(COLOURS) - held)))}
    return replace(scene, things=tuple(_changed(t, t in same, changes) for t in scene.things))


def _changed(thing: Thing, is_changed: bool, changes: dict[str, str]) -> Thing:
    return replace(thing, **changes) if is_changed else thing


def _plant(
    record: Record, index: int, cause: Cause, generator: np.random.Generator
) -> PlantedQuery:
    changed = change_scene(record.scene, cause, generator)
    own = {caption.text.lower() for caption in record.captions}
    retrieved: dict[str, Caption] = {}
    while len(retrieved) < N_RETRIEVED:
        for caption in caption_scene(changed, generator):
            if caption.text.lower() not in own:
                retrieved.setdefault(caption.text.lower(), caption)
    captions = tuple(retrieved.values())[:N_RETRIEVED]
    truth = [
        GroundTruth(Item(record.image_id, caption_id, caption.text), 0.0, float(N_RETRIEVED))
        for caption_id, caption in zip(record.caption_ids, record.captions, strict=True)
    ]
    query = Query(
        direction="i2t",
        index=index,
        item=Item(record.image_id),
        rank=float(N_RETRIEVED),
        lowest=N_RETRIEVED,
        highest=N_RETRIEVED,
        ground_truth=tuple(truth),
        # Of no image of the split: no id is theirs.
        retrieved=tuple(
            Retrieved(Item(-1, -1 - place, caption.text), 1.0 - place / 100, False)
            for place, caption in enumerate(captions)
        ),
    )
    return PlantedQuery(query, record.scene, cause, captions)
