"""Painting a scene: its background, then its things from far to near."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from demo.drawing.backgrounds import paint_background
from demo.drawing.pen import Pen
from demo.drawing.things import draw_thing
from demo.scenes.scenes import CATEGORIES, Scene

# Drawing at three times the size and shrinking smooths every edge.
_OVERSAMPLING = 3


def draw_scene(scene: Scene) -> Image.Image:
    """Return the scene as an RGB image of its own size; the same scene gives the same pixels."""
    generator = np.random.default_rng(scene.texture_seed)
    width, height = scene.width * _OVERSAMPLING, scene.height * _OVERSAMPLING
    canvas = paint_background(scene.background, width, height, generator)
    draw = ImageDraw.Draw(canvas, "RGBA")
    for thing in scene.things:
        x, y, wide, tall = (value * _OVERSAMPLING for value in thing.box)
        pen = Pen(draw, (x, y, wide, tall), thing.mirrored)
        _draw_footing(pen, CATEGORIES[thing.category].zone)
        draw_thing(pen, thing)
    if scene.background == "night":
        # Moonlight: everything keeps its colour but loses much of its brightness.
        canvas = Image.blend(canvas, Image.new("RGB", canvas.size, (16, 20, 58)), 0.2)
    small = canvas.resize((scene.width, scene.height), Image.Resampling.BOX)
    return _with_grain(small.filter(ImageFilter.UnsharpMask(1, 60, 0)), generator)


def _with_grain(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Add a little sensor noise, so that no surface is perfectly flat."""
    noise = generator.normal(0, 2.2, (image.height, image.width, 1))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).round().astype(np.uint8))


def _draw_footing(pen: Pen, zone: str) -> None:
    """Draw the shadow under a thing on the ground, or the ripples around one in the water."""
    if zone == "ground":
        pen.ellipse((0.5, 0.985), 0.52, 0.06, (20, 20, 40, 70))
    elif zone == "water":
        pen.ellipse((0.5, 0.99), 0.56, 0.05, (255, 255, 255, 110))
