"""Drawings of the miniature COCO's three animals."""

from demo.drawing.pen import INK, RGB, Pen, darker, lighter

_GLASS = (196, 226, 240)
_WHITE = (255, 255, 255)


def draw_fish(pen: Pen, colour: RGB, worn: bool) -> None:
    """Draw a fish; a worn one blows bubbles."""
    pen.polygon([(0.3, 0.5), (0.0, 0.14), (0.07, 0.5), (0.0, 0.88)], darker(colour, 0.25))
    pen.polygon([(0.38, 0.3), (0.52, 0.0), (0.7, 0.24)], darker(colour, 0.25))
    pen.polygon([(0.45, 0.75), (0.5, 0.98), (0.64, 0.78)], darker(colour, 0.25))
    pen.ellipse((0.58, 0.52), 0.36, 0.34, colour)
    pen.ellipse((0.58, 0.64), 0.28, 0.18, lighter(colour, 0.4))
    for x in (0.44, 0.56):
        pen.curve((x, 0.5), 0.07, 0.22, -70, 70, darker(colour, 0.3), 0.03)
    pen.disc((0.79, 0.42), 0.085, _WHITE)
    pen.disc((0.8, 0.42), 0.05, INK)
    pen.line([(0.93, 0.56), (0.86, 0.62)], INK, 0.035)
    if worn:
        for x, y, radius in ((0.93, 0.3, 0.06), (0.98, 0.16, 0.045), (0.9, 0.07, 0.065)):
            pen.disc((x, y), radius, _WHITE)
            pen.disc((x, y), radius * 0.6, _GLASS)


def _pet(pen: Pen, colour: RGB, worn: bool) -> None:
    """Draw what a cat and a dog share: body, legs, the head's disc, and the face."""
    pen.ellipse((0.42, 0.74), 0.32, 0.24, colour)
    pen.ellipse((0.4, 0.82), 0.24, 0.13, lighter(colour, 0.25))
    for x in (0.18, 0.32, 0.52, 0.64):
        pen.rectangle((x - 0.045, 0.78), (x + 0.045, 1.0), darker(colour, 0.14), 0.04)
    pen.disc((0.7, 0.38), 0.27, colour)
    for x in (0.6, 0.8):
        if worn:
            pen.curve((x, 0.35), 0.05, 0.04, 10, 170, INK, 0.028)
        else:
            pen.disc((x, 0.35), 0.045, INK)
            pen.disc((x + 0.012, 0.335), 0.016, _WHITE)
    if worn:
        for x, y, size in ((0.28, 0.3, 0.12), (0.12, 0.1, 0.16)):
            pen.line([(x, y), (x + size, y), (x, y + size), (x + size, y + size)], INK, 0.03)


def draw_cat(pen: Pen, colour: RGB, worn: bool) -> None:
    """Draw a cat; a worn one is asleep."""
    pen.curve((0.06, 0.5), 0.12, 0.26, 100, -80, darker(colour, 0.12), 0.075)
    for left, tip, right in ((0.46, 0.47, 0.66), (0.94, 0.93, 0.74)):
        pen.polygon([(left, 0.34), (tip, 0.0), (right, 0.16)], colour)
        pen.polygon([(left + (right - left) * 0.2, 0.26), (tip + (right - tip) * 0.2, 0.07),
                     (right - (right - left) * 0.25, 0.18)], (240, 170, 180))  # fmt: skip
    _pet(pen, colour, worn)
    pen.polygon([(0.67, 0.44), (0.73, 0.44), (0.7, 0.48)], (200, 90, 110))
    for side in (-1, 1):
        for lift in (0.44, 0.5):
            pen.line([(0.7 + side * 0.1, 0.47), (0.7 + side * 0.27, lift)], INK, 0.012)


def draw_dog(pen: Pen, colour: RGB, worn: bool) -> None:
    """Draw a dog, easily taken for a cat; a worn one is asleep."""
    pen.line([(0.14, 0.66), (0.03, 0.46)], darker(colour, 0.12), 0.085)
    _pet(pen, colour, worn)
    for x in (0.47, 0.93):
        pen.ellipse((x, 0.37), 0.075, 0.2, darker(colour, 0.38))
    pen.ellipse((0.71, 0.5), 0.14, 0.11, lighter(colour, 0.55))
    pen.ellipse((0.71, 0.44), 0.05, 0.035, INK)
    pen.line([(0.71, 0.46), (0.71, 0.53)], INK, 0.018)
    if not worn:
        pen.ellipse((0.72, 0.59), 0.035, 0.05, (226, 90, 110))
