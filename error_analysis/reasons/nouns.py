"""Names of things: the words that captions use for COCO's categories and a few others.

A modest list: a category's own name, its common synonyms, and the plurals of both. Words that
captions use for many categories alike ("glass", "screen", "desk") are left out.
"""

# The first 80 are COCO's categories in the order of its files.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "person": (
        "man", "woman", "boy", "girl", "child", "kid", "baby", "toddler", "infant", "lady", "guy",
        "gentleman", "adult", "teenager", "human", "player", "tennis player", "baseball player",
        "skateboarder", "surfer", "skier", "snowboarder", "batter", "pitcher", "catcher", "umpire",
        "rider", "cyclist", "bicyclist", "motorcyclist", "biker", "pedestrian", "chef", "cowboy",
        "police officer", "policeman", "crowd", "family", "group of people",
    ),
    "bicycle": ("bike", "cycle", "bmx"),
    "car": ("automobile", "sedan", "taxi", "cab", "suv", "minivan"),
    "motorcycle": ("motorbike", "scooter", "moped", "motor bike", "motor cycle", "dirt bike"),
    "airplane": ("plane", "aeroplane", "aircraft", "jet", "airliner", "jetliner", "jumbo jet"),
    "bus": ("double decker", "autobus"),
    "train": ("locomotive", "subway", "tram", "trolley", "rail car"),
    "truck": ("pickup", "pickup truck", "fire truck", "firetruck", "lorry", "semi"),
    "boat": ("sailboat", "sailing boat", "ship", "canoe", "kayak", "ferry", "yacht", "rowboat"),
    "traffic light": ("traffic signal", "stop light", "stoplight", "street light signal"),
    "fire hydrant": ("hydrant",),
    "stop sign": ("stopsign",),
    "parking meter": ("meter",),
    "bench": ("park bench",),
    "bird": (
        "duck", "goose", "seagull", "gull", "pigeon", "parrot", "owl", "swan", "crow", "chicken",
        "rooster", "eagle", "penguin", "flamingo", "hummingbird", "pelican",
    ),
    "cat": ("kitten", "kitty", "feline", "tabby"),
    "dog": ("puppy", "doggy", "doggie", "pup", "canine", "poodle", "bulldog", "terrier"),
    "horse": ("pony", "foal", "stallion", "colt", "mare"),
    "sheep": ("lamb", "ram", "ewe"),
    "cow": ("bull", "cattle", "calf", "ox", "steer", "heifer"),
    "elephant": ("baby elephant",),
    "bear": ("polar bear", "grizzly", "grizzly bear", "black bear", "brown bear", "bear cub"),
    "zebra": (),
    "giraffe": (),
    "backpack": ("back pack", "rucksack", "knapsack"),
    "umbrella": ("parasol",),
    "handbag": ("purse", "hand bag"),
    "tie": ("necktie", "neck tie", "bow tie", "bowtie"),
    "suitcase": ("luggage", "suit case", "baggage"),
    "frisbee": ("disc",),
    "skis": ("ski",),
    "snowboard": ("snow board",),
    "sports ball": (
        "ball", "tennis ball", "soccer ball", "basketball", "volleyball", "beach ball", "toy ball",
    ),
    "kite": (),
    "baseball bat": ("bat",),
    "baseball glove": ("mitt", "baseball mitt", "catchers mitt"),
    "skateboard": ("skate board", "longboard"),
    "surfboard": ("surf board", "boogie board"),
    "tennis racket": ("racket", "racquet", "tennis racquet"),
    "bottle": ("water bottle", "wine bottle", "beer bottle"),
    "wine glass": ("wineglass", "glass of wine"),
    "cup": ("mug", "coffee cup", "teacup", "tea cup", "coffee mug", "cup of coffee"),
    "fork": (),
    "knife": (),
    "spoon": (),
    "bowl": (),
    "banana": (),
    "apple": (),
    "sandwich": ("hamburger", "burger", "sub", "panini"),
    "orange": ("tangerine", "mandarin", "clementine"),
    "broccoli": (),
    "carrot": (),
    "hot dog": ("hotdog", "chili dog", "corn dog"),
    "pizza": ("slice of pizza", "pizza pie"),
    "donut": ("doughnut",),
    "cake": ("cupcake", "birthday cake", "wedding cake"),
    "chair": ("armchair", "arm chair", "recliner", "office chair"),
    "couch": ("sofa", "loveseat", "futon"),
    "potted plant": ("houseplant", "house plant"),
    "bed": ("bunk bed",),
    "dining table": ("table", "dinner table", "kitchen table", "dining room table"),
    "toilet": ("urinal", "commode"),
    "tv": ("television", "tv screen", "television set", "flat screen tv", "monitor"),
    "laptop": ("laptop computer", "notebook computer"),
    "mouse": ("computer mouse",),
    "remote": ("remote control", "controller", "wii remote", "game controller"),
    "keyboard": ("computer keyboard",),
    "cell phone": ("phone", "cellphone", "mobile phone", "smartphone", "smart phone", "iphone"),
    "microwave": ("microwave oven",),
    "oven": ("stove", "range oven", "stove top oven"),
    "toaster": ("toaster oven",),
    "sink": ("wash basin", "washbasin"),
    "refrigerator": ("fridge", "refridgerator"),
    "book": ("textbook", "text book", "paperback"),
    "clock": ("alarm clock", "wall clock"),
    "vase": (),
    "scissors": ("pair of scissors", "shears"),
    "teddy bear": ("teddy", "stuffed bear", "stuffed teddy bear"),
    "hair drier": ("hair dryer", "hairdryer", "blow dryer"),
    "toothbrush": ("tooth brush",),
    "house": ("cottage", "home", "cabin"),
    "tree": ("palm tree", "pine tree"),
    "flower": ("blossom", "bloom"),
    "fish": (),
    "ball": ("beach ball", "toy ball", "soccer ball", "tennis ball"),
}  # fmt: skip
COCO_CATEGORIES = tuple(SYNONYMS)[:80]

# A word for any of several categories.
HYPERNYMS: dict[str, tuple[str, ...]] = {
    "vehicle": ("bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"),
    "animal": (
        "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe",
        "fish",
    ),
    "food": (
        "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
        "cake",
    ),
    "fruit": ("banana", "apple", "orange"),
    "vegetable": ("broccoli", "carrot"),
    "furniture": ("chair", "couch", "bed", "dining table"),
    "appliance": ("microwave", "oven", "toaster", "refrigerator"),
    "plant": ("potted plant", "tree", "flower"),
    "toy": ("teddy bear", "sports ball", "ball", "kite", "frisbee"),
    "building": ("house",),
    "utensil": ("fork", "knife", "spoon"),
}  # fmt: skip

IRREGULAR_PLURALS = {
    "man": ("men",),
    "woman": ("women",),
    "gentleman": ("gentlemen",),
    "policeman": ("policemen",),
    "child": ("children",),
    "person": ("people", "persons"),
    "lady": ("ladies",),
    "goose": ("geese",),
    "mouse": ("mice",),
    "calf": ("calves",),
    "knife": ("knives",),
    "ox": ("oxen",),
    "foot": ("feet",),
    "leaf": ("leaves",),
    "sheep": ("sheep",),
    "fish": ("fish", "fishes"),
    "skis": ("skis",),
    "scissors": ("scissors",),
    "cattle": ("cattle",),
    "luggage": ("luggage",),
    "baggage": ("baggage",),
    "aircraft": ("aircraft",),
    "broccoli": ("broccoli",),
    "bus": ("buses", "busses"),
}
# Nouns of more than one: the word itself says so, with no "s" of its own.
COLLECTIVE = ("crowd", "family", "group of people", "cattle", "luggage", "baggage")


def plurals(noun: str) -> tuple[str, ...]:
    """Return the plurals of a noun in lower case; of several words the last one changes.

    "slice of pizza" and the like change before "of": "slices of pizza".
    """
    head, of, rest = noun.partition(" of ")
    *before, last = head.split(" ")
    return tuple(" ".join([*before, plural]) + of + rest for plural in _word_plurals(last))


def _word_plurals(word: str) -> tuple[str, ...]:
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    if word.endswith("y") and word[-2:-1] not in ("", *"aeiou"):
        return (word[:-1] + "ies",)
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return (word + "es",)
    if word.endswith("o"):
        return (word + "s", word + "es")
    return (word + "s",)
