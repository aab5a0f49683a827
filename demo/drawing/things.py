"""Drawings of the miniature COCO's twelve things."""

from demo.drawing.animals import draw_cat, draw_dog, draw_fish
from demo.drawing.pen import INK, PALETTE, RGB, Pen, darker, lighter, mix
from demo.scenes.scenes import Thing

_WOOD = (124, 84, 56)
_GLASS = (196, 226, 240)
_WHITE = (255, 255, 255)


def draw_thing(pen: Pen, thing: Thing) -> None:
    """Draw one thing into the pen's box."""
    _DRAWINGS[thing.category](pen, PALETTE[thing.colour], thing.worn)


def _house(pen: Pen, colour: RGB, worn: bool) -> None:
    roof = mix(darker(colour, 0.45), (120, 60, 50), 0.35)
    pen.rectangle((0.72, 0.06), (0.83, 0.34), darker(roof))
    pen.rectangle((0.1, 0.42), (0.9, 1.0), colour)
    pen.rectangle((0.78, 0.42), (0.9, 1.0), darker(colour, 0.15))
    pen.polygon([(0.0, 0.46), (0.5, 0.02), (1.0, 0.46)], roof)
    pen.line([(0.02, 0.455), (0.98, 0.455)], darker(roof), 0.03)
    pen.rectangle((0.41, 0.66), (0.59, 1.0), _WOOD, 0.02)
    pen.disc((0.555, 0.84), 0.014, (240, 200, 90))
    for left in (0.17, 0.66):
        pen.rectangle((left, 0.56), (left + 0.18, 0.76), darker(colour, 0.4))
        pen.rectangle((left + 0.02, 0.58), (left + 0.16, 0.74), _GLASS)
        pen.line([(left + 0.09, 0.58), (left + 0.09, 0.74)], darker(colour, 0.4), 0.015)
    if worn:
        for left in (0.17, 0.66):
            pen.line([(left, 0.58), (left + 0.18, 0.74)], _WOOD, 0.05)
            pen.line([(left, 0.74), (left + 0.18, 0.58)], lighter(_WOOD, 0.15), 0.05)
        pen.polygon([(0.24, 0.34), (0.37, 0.22), (0.43, 0.33), (0.31, 0.41)], INK)
        pen.line([(0.36, 0.46), (0.33, 0.55), (0.38, 0.6), (0.35, 0.7)], INK, 0.018)


def _tree(pen: Pen, colour: RGB, worn: bool) -> None:
    pen.polygon([(0.42, 0.5), (0.58, 0.5), (0.64, 1.0), (0.36, 1.0)], _WOOD)
    pen.polygon([(0.53, 0.5), (0.58, 0.5), (0.64, 1.0), (0.54, 1.0)], darker(_WOOD))
    for x, y, radius in ((0.26, 0.5, 0.2), (0.74, 0.5, 0.2), (0.5, 0.54, 0.22)):
        pen.disc((x, y), radius, darker(colour, 0.28))
    for x, y, radius in ((0.32, 0.36, 0.21), (0.68, 0.36, 0.21), (0.5, 0.24, 0.23)):
        pen.disc((x, y), radius, colour)
    for x, y, radius in ((0.34, 0.28, 0.09), (0.52, 0.14, 0.1), (0.64, 0.34, 0.06)):
        pen.disc((x, y), radius, lighter(colour, 0.22))
    if worn:
        for x, y in ((0.22, 0.46), (0.42, 0.36), (0.6, 0.24), (0.76, 0.44), (0.52, 0.58)):
            pen.disc((x, y), 0.042, (176, 24, 40))
            pen.disc((x - 0.02, y - 0.015), 0.014, (255, 190, 180))


def _car(pen: Pen, colour: RGB, worn: bool) -> None:
    pen.polygon([(0.18, 0.42), (0.32, 0.08), (0.68, 0.08), (0.84, 0.42)], darker(colour, 0.15))
    pen.polygon([(0.24, 0.42), (0.35, 0.15), (0.48, 0.15), (0.48, 0.42)], _GLASS)
    pen.polygon([(0.52, 0.42), (0.52, 0.15), (0.66, 0.15), (0.77, 0.42)], _GLASS)
    pen.rectangle((0.0, 0.38), (1.0, 0.82), colour, 0.16)
    pen.rectangle((0.02, 0.66), (0.98, 0.82), darker(colour, 0.25), 0.08)
    pen.rectangle((0.44, 0.48), (0.53, 0.53), darker(colour, 0.4))
    pen.disc((0.955, 0.52), 0.08, (255, 240, 170))
    pen.rectangle((0.0, 0.46), (0.035, 0.6), (170, 30, 40))
    for x in (0.23, 0.77):
        pen.disc((x, 0.8), 0.2, INK)
        pen.disc((x, 0.8), 0.1, (190, 190, 196))
    if worn:
        for x, y, radius in ((0.84, 0.3, 0.13), (0.93, 0.17, 0.16), (0.82, 0.06, 0.12)):
            pen.disc((x, y), radius, (120, 120, 126, 215))
        pen.line([(0.8, 0.4), (0.98, 0.3)], darker(colour, 0.35), 0.06)


def _boat(pen: Pen, colour: RGB, worn: bool) -> None:
    sail = mix(colour, _WHITE, 0.82)
    pen.line([(0.5, 0.03), (0.5, 0.78)], _WOOD, 0.03)
    pen.polygon([(0.54, 0.08), (0.54, 0.68), (0.96, 0.68)], sail)
    pen.polygon([(0.46, 0.16), (0.46, 0.68), (0.12, 0.68)], darker(sail, 0.14))
    pen.polygon([(0.54, 0.32), (0.54, 0.46), (0.82, 0.46), (0.71, 0.32)], colour)
    pen.polygon([(0.5, 0.0), (0.5, 0.09), (0.32, 0.045)], colour)
    pen.polygon([(0.02, 0.74), (0.98, 0.74), (0.82, 1.0), (0.2, 1.0)], colour)
    pen.polygon([(0.16, 0.93), (0.86, 0.93), (0.82, 1.0), (0.2, 1.0)], darker(colour, 0.4))
    pen.line([(0.03, 0.755), (0.97, 0.755)], lighter(colour, 0.5), 0.028)
    if worn:
        for x, y in ((0.62, 0.36), (0.66, 0.56)):
            pen.polygon([(x, y), (x + 0.1, y - 0.02), (x + 0.03, y + 0.08)], INK)
        pen.polygon([(0.96, 0.68), (0.8, 0.69), (0.84, 0.6), (0.74, 0.69), (0.7, 0.56)], INK)


def _ball(pen: Pen, colour: RGB, worn: bool) -> None:
    if worn:
        pen.ellipse((0.5, 0.74), 0.5, 0.26, darker(colour, 0.3))
        pen.ellipse((0.5, 0.7), 0.47, 0.22, colour)
        pen.ellipse((0.5, 0.64), 0.3, 0.1, darker(colour, 0.2))
        pen.curve((0.5, 0.76), 0.42, 0.12, 20, 160, _WHITE, 0.04)
        return
    pen.disc((0.5, 0.5), 0.5, darker(colour, 0.3))
    pen.disc((0.48, 0.47), 0.46, colour)
    stripe = _WHITE if colour != PALETTE["white"] else (150, 160, 175)
    pen.curve((0.5, 0.1), 0.42, 0.42, 28, 152, stripe, 0.09)
    pen.curve((0.5, 0.95), 0.42, 0.42, 208, 332, stripe, 0.09)
    pen.ellipse((0.32, 0.26), 0.1, 0.07, lighter(colour, 0.6))


def _kite(pen: Pen, colour: RGB, worn: bool) -> None:
    shift = 0.1 if worn else 0.0
    top, bottom = (0.5 + shift, 0.0), (0.5 - shift, 0.66)
    left, right = (0.06, 0.26 - shift), (0.94, 0.26 + shift)
    middle = (0.5 + shift / 3, 0.26)
    pen.polygon([top, middle, left], colour)
    pen.polygon([top, middle, right], lighter(colour, 0.4))
    pen.polygon([bottom, middle, left], darker(colour, 0.25))
    pen.polygon([bottom, middle, right], colour)
    pen.line([top, bottom], INK, 0.012)
    pen.line([left, right], INK, 0.012)
    if worn:
        pen.line([bottom, (0.34, 0.74), (0.44, 0.78)], INK, 0.012)
        return
    tail = [bottom, (0.6, 0.75), (0.44, 0.84), (0.58, 0.92), (0.48, 1.0)]
    pen.line(tail, INK, 0.012)
    for x, y in tail[1:4]:
        pen.polygon([(x, y), (x - 0.11, y - 0.035), (x - 0.11, y + 0.035)], colour)
        pen.polygon([(x, y), (x + 0.11, y - 0.035), (x + 0.11, y + 0.035)], lighter(colour, 0.4))


def _umbrella(pen: Pen, colour: RGB, worn: bool) -> None:
    pen.line([(0.5, 0.1), (0.5, 0.9)], _WOOD, 0.035)
    pen.curve((0.58, 0.9), 0.08, 0.08, 180, 20, _WOOD, 0.035)
    canopy = [(0.0, 0.5), (0.04, 0.34), (0.14, 0.2), (0.3, 0.1), (0.5, 0.06),
              (0.7, 0.1), (0.86, 0.2), (0.96, 0.34), (1.0, 0.5)]  # fmt: skip
    pen.polygon(
        [*canopy, (0.84, 0.43), (0.67, 0.5), (0.5, 0.43), (0.33, 0.5), (0.16, 0.43)], colour
    )
    pen.polygon([(0.5, 0.06), (0.3, 0.1), (0.14, 0.2), (0.0, 0.5), (0.16, 0.43), (0.33, 0.5)],
                darker(colour, 0.18))  # fmt: skip
    pen.polygon([(0.5, 0.06), (0.33, 0.5), (0.5, 0.43), (0.67, 0.5)], lighter(colour, 0.35))
    pen.line([(0.5, 0.0), (0.5, 0.07)], INK, 0.025)
    if worn:
        pen.polygon([(0.74, 0.28), (0.9, 0.34), (0.84, 0.45), (0.7, 0.5)], INK)
        pen.line([(0.94, 0.46), (1.0, 0.62), (0.92, 0.7)], INK, 0.02)
        pen.line([(0.2, 0.45), (0.12, 0.62)], INK, 0.02)


def _cup(pen: Pen, colour: RGB, worn: bool) -> None:
    top = 0.3 if worn else 0.1
    pen.curve((0.76, (1 + top) / 2), 0.19, 0.24, -80, 80, darker(colour, 0.2), 0.09)
    pen.polygon([(0.06, top), (0.8, top), (0.7, 1.0), (0.16, 1.0)], colour)
    pen.polygon([(0.62, top), (0.8, top), (0.7, 1.0), (0.56, 1.0)], darker(colour, 0.15))
    pen.ellipse((0.43, top), 0.37, 0.09, lighter(colour, 0.3))
    pen.ellipse((0.43, top + 0.01), 0.31, 0.065, (92, 56, 40))
    pen.disc((0.34, (1 + top) / 2 + 0.03), 0.09, lighter(colour, 0.65))
    if worn:
        for x in (0.28, 0.43, 0.58):
            points = [(x, 0.24), (x + 0.05, 0.17), (x - 0.04, 0.09), (x + 0.02, 0.01)]
            pen.line(points, (250, 250, 250), 0.045)


def _flower(pen: Pen, colour: RGB, worn: bool) -> None:
    stem, (x, y) = (66, 136, 70), (0.5, 0.3)
    if worn:
        stem, (x, y) = (134, 120, 62), (0.7, 0.62)
        colour = mix(colour, (130, 110, 90), 0.3)
        pen.line([(0.42, 1.0), (0.38, 0.6), (0.44, 0.4), (0.58, 0.38), (x, y)], stem, 0.04)
    else:
        pen.line([(0.5, 1.0), (0.53, 0.7), (x, y)], stem, 0.045)
    pen.polygon([(0.47, 0.9), (0.12, 0.82), (0.06, 0.68), (0.32, 0.74)], stem)
    pen.polygon([(0.5, 0.86), (0.86, 0.8), (0.94, 0.66), (0.68, 0.7)], darker(stem, 0.15))
    for dx, dy in ((0, -1), (0.95, -0.31), (0.59, 0.81), (-0.59, 0.81), (-0.95, -0.31)):
        sag = 0.06 if worn else 0.0
        pen.disc((x + 0.26 * dx, y + 0.145 * dy + sag), 0.125, darker(colour, 0.12))
        pen.disc((x + 0.25 * dx, y + 0.14 * dy + sag), 0.1, colour)
    heart = (250, 200, 50) if colour != PALETTE["yellow"] else (160, 90, 40)
    pen.disc((x, y + (0.04 if worn else 0)), 0.085, heart)


_DRAWINGS = {
    "house": _house, "tree": _tree, "car": _car, "boat": _boat, "ball": _ball, "kite": _kite,
    "umbrella": _umbrella, "cup": _cup, "flower": _flower,
    "fish": draw_fish, "cat": draw_cat, "dog": draw_dog,
}  # fmt: skip
