"""The miniature COCO's eight backgrounds."""

import numpy as np
from PIL import Image, ImageDraw

from demo.drawing.pen import RGB, Pen
from demo.scenes.scenes import SETTINGS, Setting

# Upper and lower colour of the sky (or wall), then of the ground (or floor).
_GRADIENTS: dict[str, tuple[RGB, RGB, RGB, RGB]] = {
    "meadow": ((118, 186, 236), (222, 240, 250), (150, 200, 98), (86, 150, 62)),
    "beach": ((255, 188, 140), (255, 232, 196), (244, 220, 168), (226, 190, 128)),
    "lake": ((150, 200, 226), (232, 240, 232), (92, 158, 190), (36, 92, 136)),
    "street": ((176, 190, 206), (226, 228, 230), (118, 118, 126), (84, 84, 94)),
    "room": ((238, 214, 190), (228, 196, 168), (176, 122, 80), (136, 88, 56)),
    "snow": ((170, 190, 214), (226, 232, 242), (238, 243, 250), (204, 218, 236)),
    "desert": ((86, 160, 214), (246, 222, 176), (226, 160, 92), (196, 122, 66)),
    "night": ((14, 18, 52), (58, 58, 112), (44, 66, 66), (24, 40, 44)),
}


def paint_background(
    background: str, width: int, height: int, generator: np.random.Generator
) -> Image.Image:
    """Return an RGB canvas of width x height pixels, its details placed by the generator."""
    setting = SETTINGS[background]
    canvas = _gradients(background, setting.horizon, width, height)
    pen = Pen(ImageDraw.Draw(canvas, "RGBA"), (0, 0, width, height))
    _DETAILS[background](pen, setting, generator)
    return canvas


def _gradients(background: str, horizon: float, width: int, height: int) -> Image.Image:
    """Return a (width, height) canvas of the two vertical gradients that meet at the horizon."""
    sky_top, sky_bottom, ground_top, ground_bottom = np.array(_GRADIENTS[background], float)
    split = round(horizon * height)
    sky = np.linspace(0, 1, split)[:, None] * (sky_bottom - sky_top) + sky_top
    ground = np.linspace(0, 1, height - split)[:, None] * (ground_bottom - ground_top) + ground_top
    column = np.concatenate([sky, ground]).round().astype(np.uint8)  # (height, 3)
    return Image.fromarray(np.repeat(column[:, None], width, axis=1))


def _clouds(pen: Pen, generator: np.random.Generator, fill: tuple[int, ...], lowest: float) -> None:
    for _ in range(generator.integers(2, 5)):
        x, y = generator.uniform(0, 1), generator.uniform(0.05, lowest)
        size = generator.uniform(0.025, 0.05)
        for dx, dy, share in ((-1.4, 0.2, 0.8), (0, -0.3, 1.2), (1.3, 0.1, 0.9), (0.2, 0.4, 1.0)):
            pen.disc((x + dx * size, y + dy * size), size * share, fill)


def _hills(
    pen: Pen, generator: np.random.Generator, horizon: float, fill: tuple[int, ...], rise: float
) -> None:
    for _ in range(3):
        x, wide = generator.uniform(-0.1, 1.1), generator.uniform(0.25, 0.5)
        top = generator.uniform(0.5, 1.0) * rise
        steps = np.linspace(-1, 1, 25)
        ridge = [(x + wide * s, horizon - top * (1 - s * s)) for s in steps.tolist()]
        pen.polygon([*ridge, (x + wide, horizon + 0.01), (x - wide, horizon + 0.01)], fill)


def _tufts(
    pen: Pen, generator: np.random.Generator, top: float, fill: tuple[int, ...], count: int
) -> None:
    for _ in range(count):
        x, y = generator.uniform(0, 1), generator.uniform(top + 0.02, 1)
        for lean in (-0.008, 0.0, 0.008):
            pen.line([(x, y), (x + lean, y - 0.022)], fill, 0.005)


def _ripples(pen: Pen, generator: np.random.Generator, top: float, bottom: float) -> None:
    for _ in range(30):
        x, y = generator.uniform(-0.05, 1), generator.uniform(top + 0.01, bottom)
        pen.line([(x, y), (x + generator.uniform(0.03, 0.1), y)], (255, 255, 255, 80), 0.006)


def _meadow(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    pen.disc((generator.uniform(0.1, 0.9), 0.1), 0.06, (255, 240, 150))
    _clouds(pen, generator, (255, 255, 255), setting.horizon - 0.2)
    _hills(pen, generator, setting.horizon, (128, 184, 110), 0.14)
    _tufts(pen, generator, setting.horizon, (62, 128, 50, 200), 45)
    for _ in range(14):
        spot = (generator.uniform(0, 1), generator.uniform(setting.horizon + 0.05, 1))
        pen.disc(spot, 0.008, (255, 250, 240))


def _beach(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    pen.disc((generator.uniform(0.15, 0.85), setting.horizon - 0.02), 0.1, (255, 246, 200))
    _clouds(pen, generator, (255, 238, 222), setting.horizon - 0.2)
    wave = [(x / 20, setting.shore + 0.015 * np.sin(x * 1.1)) for x in range(21)]
    pen.polygon([(0, setting.horizon), (1, setting.horizon), *wave[::-1]], (64, 164, 190))
    _ripples(pen, generator, setting.horizon, setting.shore - 0.02)
    pen.line(wave, (255, 255, 255, 220), 0.018)
    for _ in range(40):
        spot = (generator.uniform(0, 1), generator.uniform(setting.shore + 0.05, 1))
        pen.disc(spot, 0.004, (190, 150, 96))


def _lake(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    _clouds(pen, generator, (240, 246, 248), setting.horizon - 0.2)
    _hills(pen, generator, setting.horizon, (104, 140, 156), 0.24)
    _hills(pen, generator, setting.horizon, (74, 118, 104), 0.12)
    _ripples(pen, generator, setting.horizon, 0.9)
    bank = [(x / 20, setting.shore + 0.02 + 0.012 * np.sin(x * 0.9)) for x in range(21)]
    pen.polygon([*bank, (1, 1), (0, 1)], (112, 150, 80))
    _tufts(pen, generator, setting.shore + 0.03, (64, 104, 52), 40)


def _street(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    x = -0.05
    while x < 1:
        wide, tall = generator.uniform(0.12, 0.22), generator.uniform(0.2, 0.48)
        tone = int(generator.integers(128, 176))
        pen.rectangle(
            (x, setting.horizon - tall), (x + wide, setting.horizon), (tone, tone - 6, tone - 4)
        )
        for row in np.arange(setting.horizon - tall + 0.04, setting.horizon - 0.05, 0.075).tolist():
            for column in np.arange(x + 0.025, x + wide - 0.035, 0.05).tolist():
                pen.rectangle((column, row), (column + 0.022, row + 0.035), (226, 222, 196))
        x += wide + 0.01
    pen.rectangle((0, setting.horizon), (1, setting.horizon + 0.07), (176, 172, 168))
    for left in np.arange(-0.02, 1, 0.2).tolist():
        pen.rectangle((left, 0.83), (left + 0.11, 0.85), (240, 230, 180))


def _room(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    for left in np.arange(0, 1, 0.08).tolist():
        pen.rectangle((left, 0), (left + 0.025, setting.horizon), (255, 255, 255, 46))
    x = generator.uniform(0.08, 0.62)
    pen.rectangle((x, 0.08), (x + 0.3, 0.42), (252, 248, 240))
    pen.rectangle((x + 0.015, 0.1), (x + 0.285, 0.4), (160, 208, 236))
    pen.line([(x + 0.15, 0.1), (x + 0.15, 0.4)], (252, 248, 240), 0.014)
    pen.line([(x + 0.015, 0.25), (x + 0.285, 0.25)], (252, 248, 240), 0.014)
    pen.rectangle((0, setting.horizon - 0.03), (1, setting.horizon), (250, 240, 228))
    for y in np.arange(setting.horizon + 0.06, 1, 0.085).tolist():
        pen.line([(0, y), (1, y)], (110, 70, 44, 150), 0.005)
    pen.ellipse((0.5, 0.86), 0.4, 0.1, (190, 84, 76, 200))
    pen.ellipse((0.5, 0.86), 0.33, 0.075, (226, 178, 130, 190))


def _snow(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    _hills(pen, generator, setting.horizon, (198, 210, 230), 0.3)
    _hills(pen, generator, setting.horizon, (226, 234, 245), 0.14)
    for _ in range(110):
        spot = (generator.uniform(0, 1), generator.uniform(0, 1))
        pen.disc(spot, generator.uniform(0.004, 0.011), (255, 255, 255, 225))


def _desert(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    pen.disc((generator.uniform(0.1, 0.9), 0.14), 0.075, (255, 248, 206))
    _hills(pen, generator, setting.horizon, (206, 140, 84), 0.14)
    for _ in range(5):
        x, y = generator.uniform(-0.1, 0.8), generator.uniform(setting.horizon + 0.06, 0.98)
        pen.curve((x + 0.2, y + 0.03), 0.2, 0.03, 190, 350, (255, 214, 150, 130), 0.01)
    x = generator.uniform(0.05, 0.95)
    green, base = (84, 130, 84), setting.horizon + 0.03
    pen.line([(x, base), (x, base - 0.16)], green, 0.03)
    pen.line([(x, base - 0.06), (x + 0.04, base - 0.07), (x + 0.04, base - 0.12)], green, 0.02)


def _night(pen: Pen, setting: Setting, generator: np.random.Generator) -> None:
    for _ in range(70):
        spot = (generator.uniform(0, 1), generator.uniform(0, setting.horizon - 0.08))
        pen.disc(spot, generator.uniform(0.003, 0.008), (255, 252, 220))
    x = generator.uniform(0.12, 0.88)
    pen.disc((x, 0.16), 0.085, (255, 246, 196))
    pen.disc((x - 0.03, 0.14), 0.075, (24, 27, 66))
    _hills(pen, generator, setting.horizon, (34, 44, 76), 0.14)
    _tufts(pen, generator, setting.horizon, (70, 96, 88, 160), 30)


_DETAILS = {
    "meadow": _meadow, "beach": _beach, "lake": _lake, "street": _street,
    "room": _room, "snow": _snow, "desert": _desert, "night": _night,
}  # fmt: skip
