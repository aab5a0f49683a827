"""Words for where a scene is, and which of them tell that it is outdoors or indoors."""

PLACES: dict[str, tuple[str, ...]] = {
    "outdoors": ("outdoors", "outside", "outdoor"),
    # The last three where they are no things: see `mentions`.
    "indoors": ("indoors", "inside", "indoor", "building", "house", "home"),
    "grass": ("grass", "grassy", "field", "meadow", "pasture", "lawn"),
    "beach": ("beach", "sand", "sandy", "sea", "ocean", "seaside", "coast"),
    "water": ("water", "lake", "river", "pond", "shore"),
    "street": ("street", "road", "city", "town", "urban", "sidewalk", "downtown"),
    "snow": ("snow", "snowy", "winter", "wintry"),
    "night": ("night", "dark", "moon", "evening", "nighttime"),
    "desert": ("desert", "dune", "dunes"),
    "mountain": ("mountain", "mountains", "hill", "hills", "slope", "hillside", "mountainside"),
    "forest": ("forest", "woods", "wooded", "jungle"),
    "room": ("room", "bedroom", "floor", "rug", "wall"),
    "kitchen": ("kitchen",),
    "bathroom": ("bathroom", "restroom", "washroom"),
    "office": ("office",),
}
PHRASES = {"in the open": "outdoors", "in the open air": "outdoors"}
IMPLIED = {
    **dict.fromkeys(
        ("grass", "beach", "water", "street", "snow", "desert", "mountain", "forest"), "outdoors"
    ),
    **dict.fromkeys(("room", "kitchen", "bathroom", "office"), "indoors"),
}
PLACE_OF = {word: place for place, words in PLACES.items() for word in words}
