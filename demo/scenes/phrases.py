"""The phrases that the caption grammar puts together."""

HEADS = ("a picture of ", "a view of ", "a photo of ", "there is ", "an image of ")

NOUNS = {
    "house": ("cottage", "home", "building"),
    "tree": ("tree", "leafy tree"),
    "car": ("automobile", "vehicle"),
    "boat": ("sailboat", "sailing boat", "ship"),
    "ball": ("beach ball", "toy ball"),
    "kite": ("kite", "flying kite"),
    "umbrella": ("parasol", "open umbrella"),
    "cup": ("mug", "coffee cup"),
    "flower": ("blossom", "bloom"),
    "fish": ("fish", "swimming fish"),
    "cat": ("kitten", "kitty"),
    "dog": ("puppy", "doggy"),
}

NUMBERS = {2: "two", 3: "three", 4: "four"}
PLURALS = {
    "house": "houses", "tree": "trees", "car": "cars", "boat": "boats", "ball": "balls",
    "kite": "kites", "umbrella": "umbrellas", "cup": "cups", "flower": "flowers", "fish": "fish",
    "cat": "cats", "dog": "dogs",
}  # fmt: skip

SIZE_WORDS = {
    "small": ("small", "little", "tiny"),
    "large": ("large", "big", "huge"),
}

BACKGROUNDS = {
    "meadow": ("on a meadow", "in a grassy field", "on the green grass", "in a sunny field"),
    "beach": ("on a beach", "at the beach", "by the sea", "on the sand at sunset"),
    "lake": ("on a lake", "at the lake", "on the calm water", "by the lake shore"),
    "street": ("on a street", "on a city street", "in the city", "on the road in a town"),
    "room": ("in a room", "inside a living room", "on the wooden floor", "indoors on a rug"),
    "snow": ("in the snow", "on a snowy hill", "on a winter day", "in falling snow"),
    "desert": ("in a desert", "in the hot desert", "among the dunes", "in a dry sandy desert"),
    "night": ("at night", "under the moon", "in the dark", "under a starry sky"),
}

VERBS = {
    "animal": ("sitting", "waiting", "resting", "alone"),
    "thing": ("standing", "left", "alone", "seen"),
}

# The adjective of a worn thing in a plain caption, and the clauses of a long modifier.
WORN_WORDS = {
    "house": ("broken", "run-down"),
    "tree": ("fruit",),
    "car": ("smoking", "broken"),
    "boat": ("torn", "damaged"),
    "ball": ("flat", "deflated"),
    "kite": ("loose", "stringless"),
    "umbrella": ("torn", "broken"),
    "cup": ("steaming", "hot"),
    "flower": ("wilted", "drooping"),
    "fish": ("bubbling",),
    "cat": ("sleeping", "sleepy"),
    "dog": ("sleeping", "sleepy"),
}

WORN_CLAUSES = {
    "house": (
        "needs to be fixed up",
        "somebody really ought to repair before the next winter comes",
        "nobody has lived in for as long as anyone can remember",
    ),
    "tree": (
        "is ready to be picked by whoever comes along first",
        "will soon give its owner more than anyone could eat",
    ),
    "car": (
        "is not going to get anyone home today",
        "should have been taken to the workshop long ago",
        "needs to be fixed up before it is driven any further",
    ),
    "boat": (
        "has clearly been through a terrible storm",
        "needs to be fixed up before it sails again",
    ),
    "ball": (
        "nobody has pumped up in a very long time",
        "is of no more use for any kind of game",
    ),
    "kite": (
        "got away from whoever was holding it",
        "is free at last and will never come back",
    ),
    "umbrella": (
        "did not survive the last storm",
        "would not keep anybody dry any more",
    ),
    "cup": (
        "is still too hot to drink from",
        "somebody has only just poured out for a friend",
    ),
    "flower": (
        "should have been watered several days ago",
        "has seen much better days than this one",
    ),
    "fish": (
        "is trying to tell everyone something important",
        "seems to have a great deal to say for itself",
    ),
    "cat": (
        "has given up waiting for its supper",
        "is dreaming of whatever it did all day long",
    ),
    "dog": (
        "has given up waiting for its supper",
        "is dreaming of whatever it did all day long",
    ),
}

# Clauses of a long modifier that lean on another thing in the picture.
CLAUSES = {
    "animal": (
        "somebody seems to have left behind with {other}",
        "cannot make up its mind what to think of {other}",
        "has been keeping {other} company since the morning",
    ),
    "thing": (
        "somebody has left not far from {other} for no good reason",
        "looks as if it belonged together with {other}",
        "happens to share the scene with {other}",
    ),
}

# Clauses of a long modifier for a thing that is alone in the picture.
ABSTRACT = {
    "meadow": ("could not wish for a better afternoon", "makes one think of early summer"),
    "beach": ("reminds everyone of the end of the holidays", "is there as the day ends"),
    "lake": ("shows what peace and quiet can look like", "has found the calm it needed"),
    "street": ("nobody in this busy town has time for", "got lost in the rush of the day"),
    "room": ("makes an ordinary home feel cosy", "has nowhere else to be today"),
    "snow": ("would rather be somewhere warmer than this", "shows how lonely winter can be"),
    "desert": ("has ended up far away from everything", "could really do with some shade"),
    "night": ("is still there long after everyone went to bed", "keeps the moon company"),
}

VAGUE_NOUNS = {
    "building": ("building", "buildings"),
    "plant": ("plant", "plants"),
    "vehicle": ("vehicle", "vehicles"),
    "toy": ("toy", "toys"),
    "accessory": ("useful object", "useful objects"),
    "kitchen": ("household object", "household objects"),
    "animal": ("animal", "animals"),
}

UNDERSPECIFIED = (
    "there is a picture of {what} {where}",
    "{what} {where}",
    "a nice scene with {what} {where}",
    "this is an image of {what} {where}",
    "somebody took a picture of {what} {where}",
)

PLACES = {
    "room": ("inside", "indoors", "somewhere in a building"),
    "outdoors": ("outside", "outdoors", "somewhere out in the open"),
}
