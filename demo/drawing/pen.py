"""A pen that draws shapes in the unit square of a box."""

import math
from dataclasses import dataclass

from PIL import ImageDraw

PALETTE = {
    "red": (214, 48, 49),
    "orange": (243, 134, 38),
    "yellow": (250, 208, 60),
    "green": (62, 160, 85),
    "blue": (52, 116, 214),
    "purple": (128, 74, 176),
    "pink": (245, 142, 184),
    "white": (245, 243, 238),
}
INK = (46, 40, 48)

RGB = tuple[int, int, int]
Point = tuple[float, float]


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """Return `one` moved towards `other` by `share` in [0, 1]."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def darker(colour: RGB, share: float = 0.25) -> RGB:
    """Return the colour in shade."""
    return mix(colour, (30, 20, 50), share)


def lighter(colour: RGB, share: float = 0.35) -> RGB:
    """Return the colour in light."""
    return mix(colour, (255, 255, 255), share)


@dataclass(frozen=True)
class Pen:
    """Draws in a box whose corners are (0, 0) upper left and (1, 1) lower right.

    `box` is (x, y, width, height) in pixels of the canvas behind `draw`; `mirrored` flips x.
    Line widths are shares of the box's height.
    """

    draw: ImageDraw.ImageDraw
    box: tuple[float, float, float, float]
    mirrored: bool = False

    def at(self, point: Point) -> Point:
        """Return the canvas pixel of a point of the unit square."""
        left, top, width, height = self.box
        x = 1 - point[0] if self.mirrored else point[0]
        return left + x * width, top + point[1] * height

    def polygon(self, points: list[Point], fill: tuple[int, ...]) -> None:
        """Fill a polygon."""
        self.draw.polygon([self.at(point) for point in points], fill=fill)

    def line(self, points: list[Point], fill: tuple[int, ...], width: float = 0.02) -> None:
        """Draw a line with round joints and ends."""
        pixels = max(1, round(width * self.box[3]))
        places = [self.at(point) for point in points]
        self.draw.line(places, fill=fill, width=pixels, joint="curve")
        for x, y in (places[0], places[-1]):
            half = pixels / 2
            self.draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def ellipse(
        self, centre: Point, radius_x: float, radius_y: float, fill: tuple[int, ...]
    ) -> None:
        """Fill an ellipse; the radii are shares of the box's width and height."""
        self.draw.ellipse(self._corners(centre, radius_x, radius_y), fill=fill)

    def disc(self, centre: Point, radius: float, fill: tuple[int, ...]) -> None:
        """Fill a circle whose radius is a share of the box's height, whatever its width."""
        self.ellipse(centre, radius * self.box[3] / self.box[2], radius, fill)

    def rectangle(
        self, upper_left: Point, lower_right: Point, fill: tuple[int, ...], corner: float = 0.0
    ) -> None:
        """Fill a rectangle; `corner` is the radius of its corners as a share of the height."""
        (x1, y1), (x2, y2) = self.at(upper_left), self.at(lower_right)
        place = (min(x1, x2), y1, max(x1, x2), y2)
        self.draw.rounded_rectangle(place, radius=corner * self.box[3], fill=fill)

    def curve(
        self, centre: Point, radius_x: float, radius_y: float, start: float, end: float,
        fill: tuple[int, ...], width: float = 0.02,
    ) -> None:  # fmt: skip
        """Draw a part of an ellipse's outline, angles in degrees clockwise from the right."""
        steps = [math.radians(start + (end - start) * step / 12) for step in range(13)]
        self.line(
            [(centre[0] + radius_x * math.cos(a), centre[1] + radius_y * math.sin(a))
             for a in steps], fill, width,
        )  # fmt: skip

    def _corners(self, centre: Point, radius_x: float, radius_y: float) -> tuple[float, ...]:
        x, y = self.at(centre)
        wide, tall = radius_x * self.box[2], radius_y * self.box[3]
        return x - wide, y - tall, x + wide, y + tall
