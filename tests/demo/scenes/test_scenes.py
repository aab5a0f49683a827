"""Scenes: what random scenes promise, and that drawing them is a pure function."""

import numpy as np
import pytest

from demo.drawing.painting import draw_scene
from demo.scenes.scenes import (
    CATEGORIES,
    COLOURS,
    MAX_OVERLAP,
    SETTINGS,
    Scene,
    Thing,
    random_scene,
)


def scenes(count: int) -> list[Scene]:
    return [random_scene(np.random.default_rng([7, index])) for index in range(count)]


def test_every_box_lies_inside_its_image():
    for scene in scenes(300):
        for thing in scene.things:
            x, y, width, height = thing.box
            assert width > 0
            assert height > 0
            assert 0 <= x <= x + width <= scene.width
            assert 0 <= y <= y + height <= scene.height


def test_things_hardly_overlap():
    for scene in scenes(100):
        for index, one in enumerate(scene.things):
            covered = np.zeros((scene.height, scene.width), bool)
            x, y, width, height = one.box
            covered[y : y + height, x : x + width] = True
            for other in scene.things[:index]:
                x, y, width, height = other.box
                shared = covered[y : y + height, x : x + width].sum()
                smaller = min(width * height, one.box[2] * one.box[3])
                assert shared <= MAX_OVERLAP * smaller


def test_three_hundred_scenes_show_every_category_colour_background_and_count():
    made = scenes(300)
    things = [thing for scene in made for thing in scene.things]
    assert {thing.category for thing in things} == set(CATEGORIES)
    assert {thing.colour for thing in things} == set(COLOURS)
    assert {scene.background for scene in made} == set(SETTINGS)
    assert {len(scene.things) for scene in made} == {1, 2, 3, 4}


def test_the_same_generator_state_gives_the_same_scene_and_the_same_pixels():
    first, second = scenes(3), scenes(3)
    assert first == second
    for one, other in zip(first, second, strict=True):
        assert draw_scene(one).tobytes() == draw_scene(other).tobytes()


@pytest.mark.parametrize("category", list(CATEGORIES))
def test_a_thing_is_drawn_in_its_own_colour(category):
    box = (40, 40, round(100 * CATEGORIES[category].aspect), 100)
    pictures = {}
    for colour in ("red", "blue"):
        thing = Thing(category, colour, "medium", box, worn=False, mirrored=False)
        picture = draw_scene(Scene(256, 192, "street", (thing,), texture_seed=1))
        inside = np.asarray(picture, float)[40:140, 40 : 40 + box[2]]
        pictures[colour] = inside.mean(axis=(0, 1))
    assert pictures["red"][0] > pictures["blue"][0] + 10
    assert pictures["blue"][2] > pictures["red"][2] + 10


@pytest.mark.parametrize("category", list(CATEGORIES))
def test_a_worn_thing_looks_different(category):
    pictures = []
    for worn in (False, True):
        thing = Thing(category, "red", "medium", (40, 40, 90, 90), worn=worn, mirrored=False)
        picture = draw_scene(Scene(256, 192, "meadow", (thing,), texture_seed=1))
        pictures.append(np.asarray(picture, float))
    changed = np.abs(pictures[0] - pictures[1]).max(axis=2) > 30
    assert changed.sum() > 100
