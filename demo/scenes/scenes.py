"""Scenes of the miniature COCO: what stands where, chosen at random."""

from dataclasses import dataclass

import numpy as np

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
# Height as a share of the image's short side, before the category's own proportions.
SIZES = {"small": 0.24, "medium": 0.35, "large": 0.50}
# Landscape, portrait and square, as COCO mixes them; its long side is 640, ours 256.
FRAMES = ((256, 192), (256, 192), (256, 192), (256, 170), (256, 170), (192, 256), (224, 224))
MAX_OVERLAP = 0.10


@dataclass(frozen=True)
class Category:
    """A kind of thing: its COCO supercategory, its proportions and where it is placed.

    `height` multiplies the size's height, `aspect` is width / height, and `zone` is "ground",
    "sky" or "water".
    """

    supercategory: str
    height: float
    aspect: float
    zone: str


CATEGORIES = {
    "house": Category("building", 1.15, 1.00, "ground"),
    "tree": Category("plant", 1.25, 0.74, "ground"),
    "car": Category("vehicle", 0.64, 1.85, "ground"),
    "boat": Category("vehicle", 1.05, 0.95, "water"),
    "ball": Category("toy", 0.58, 1.00, "ground"),
    "kite": Category("toy", 0.95, 0.72, "sky"),
    "umbrella": Category("accessory", 0.95, 1.05, "ground"),
    "cup": Category("kitchen", 0.62, 1.20, "ground"),
    "flower": Category("plant", 0.88, 0.58, "ground"),
    "fish": Category("animal", 0.58, 1.60, "water"),
    "cat": Category("animal", 0.82, 0.95, "ground"),
    "dog": Category("animal", 0.82, 1.05, "ground"),
}
ANIMALS = ("cat", "dog", "fish")


@dataclass(frozen=True)
class Setting:
    """A background: the height of its horizon and of its near shore, and what it may hold.

    Heights are shares of the image height from the top. Things of the ground zone stand between
    `shore` and the lower edge, things of the water zone between `horizon` and `shore`.
    """

    horizon: float
    shore: float
    categories: tuple[str, ...]


_OUTDOORS = ("house", "tree", "car", "ball", "kite", "umbrella", "flower", "cat", "dog")
SETTINGS = {
    "meadow": Setting(0.50, 0.54, (*_OUTDOORS, "cup")),
    "beach": Setting(0.42, 0.64, ("boat", "boat", "fish", "ball", "kite", "umbrella", "tree",
                                  "cup", "cat", "dog")),
    "lake": Setting(0.40, 0.84, ("boat", "boat", "fish", "fish", "kite", "flower", "ball", "dog")),
    "street": Setting(0.60, 0.68, ("house", "tree", "car", "car", "ball", "umbrella", "flower",
                                   "cat", "dog")),
    "room": Setting(0.62, 0.68, ("cup", "flower", "ball", "umbrella", "cat", "dog")),
    "snow": Setting(0.52, 0.56, _OUTDOORS),
    "desert": Setting(0.52, 0.56, ("house", "tree", "car", "ball", "kite", "umbrella", "cup",
                                   "cat", "dog")),
    "night": Setting(0.62, 0.66, ("house", "tree", "car", "ball", "umbrella", "flower", "cup",
                                  "cat", "dog")),
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """One thing in a scene.

    `box` is (x, y, width, height) in whole pixels from the upper left corner, as in COCO.
    `worn` things show their category's special condition (a house in need of repair, a cat
    asleep, a cup steaming), and `mirrored` ones face the left.
    """

    category: str
    colour: str
    size: str
    box: tuple[int, int, int, int]
    worn: bool
    mirrored: bool

    @property
    def centre(self) -> tuple[float, float]:
        """The box's centre (x, y) in pixels."""
        x, y, width, height = self.box
        return x + width / 2, y + height / 2


@dataclass(frozen=True)
class Scene:
    """A picture to be drawn: its size in pixels, its background and its things, far to near."""

    width: int
    height: int
    background: str
    things: tuple[Thing, ...]
    texture_seed: int


def random_scene(generator: np.random.Generator) -> Scene:
    """Return a scene of one to four things that hardly overlap, all inside the image."""
    width, height = FRAMES[generator.integers(len(FRAMES))]
    background = str(generator.choice(list(SETTINGS)))
    wanted = generator.choice([1, 2, 3, 4], p=[0.15, 0.35, 0.33, 0.17])
    things: list[Thing] = []
    for _ in range(40):
        thing = _random_thing(generator, width, height, SETTINGS[background])
        if thing is not None and all(_overlap(thing, other) <= MAX_OVERLAP for other in things):
            things.append(thing)
        if len(things) == wanted:
            break
    assert things, "a single thing always finds its place within the tries"
    things.sort(key=lambda thing: thing.box[1] + thing.box[3])
    return Scene(width, height, background, tuple(things), int(generator.integers(2**31)))


def _random_thing(
    generator: np.random.Generator, width: int, height: int, setting: Setting
) -> Thing | None:
    """Return one placed thing, or None where its size does not fit into its zone."""
    name = str(generator.choice(setting.categories))
    category = CATEGORIES[name]
    size = str(generator.choice(list(SIZES), p=[0.3, 0.4, 0.3]))
    tall = SIZES[size] * category.height * min(width, height) * generator.uniform(0.92, 1.08)
    wide = tall * category.aspect
    if category.zone == "sky":
        low, high = 0.04 * height + tall, (setting.horizon + 0.08) * height
    elif category.zone == "water":
        low, high = (setting.horizon + 0.06) * height, setting.shore * height
    else:
        low, high = (setting.shore + 0.03) * height, 0.97 * height
    low = max(low, tall + 0.02 * height)
    margin = 0.02 * width
    if low > high or wide > width - 2 * margin:
        return None
    base = generator.uniform(low, high)
    left = generator.uniform(margin, width - margin - wide)
    return Thing(
        category=name,
        colour=str(generator.choice(COLOURS)),
        size=size,
        box=(round(left), round(base - tall), round(wide), round(tall)),
        worn=bool(generator.random() < 0.2),
        mirrored=bool(generator.random() < 0.5),
    )


def _overlap(one: Thing, other: Thing) -> float:
    """Return the intersection of two boxes as a share of the smaller box, in [0, 1]."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = one.box, other.box
    wide = max(0, min(ax + aw, bx + bw) - max(ax, bx))
    tall = max(0, min(ay + ah, by + bh) - max(ay, by))
    return wide * tall / min(aw * ah, bw * bh)
