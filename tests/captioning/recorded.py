"""Four images of our own, and what pycocoevalcap 1.2 (Java 17) gives them, to all digits."""

import numpy as np

REFERENCES = [
    [
        "A green kite over the harbour.",
        "Somebody flies a kite (a green one) at the harbour!",
        "the kite's tail",
    ],
    ["Two goats on a stone wall", "A wall with two goats, one asleep"],
    [
        "A baker can't reach the top shelf.",
        "the baker reaches for the top shelf",
        "A baker; a shelf...",
        "Shelf, 12.5 feet up",
    ],
    ["An empty bus stop at 10:30", '"Bus stop" with nobody there', "a bus-stop in the rain"],
]
CAPTIONS = [
    "A green kite is over the harbour .",
    "Two goats on a stone wall",
    "a baker a baker a baker",
    "<unk> stop",
]
REFERENCE_WORDS = [
    [
        "a green kite over the harbour",
        "somebody flies a kite -lrb- a green one -rrb- at the harbour",
        "the kite 's tail",
    ],
    ["two goats on a stone wall", "a wall with two goats one asleep"],
    [
        "a baker ca n't reach the top shelf",
        "the baker reaches for the top shelf",
        "a baker a shelf",
        "shelf 12.5 feet up",
    ],
    ["an empty bus stop at 10:30", "bus stop with nobody there", "a bus-stop in the rain"],
]
OF_SET = {
    "Bleu_1": 0.6604783997467596,
    "Bleu_2": 0.6086675615087322,
    "Bleu_3": 0.5571314105215753,
    "Bleu_4": 0.4605089017549285,
    "ROUGE_L": 0.7059319379925884,
    "CIDEr": 2.3767019810519754,
}
PER_IMAGE = {
    "Bleu_1": [0.8571428570204083, 0.9999999996666668, 0.4232408623042269, 0.1115650799626501],
    "Bleu_2": [0.7559289459014655, 0.9999999996500001, 0.3785581355808426, 4.9893420529863676e-09],
    "Bleu_3": [0.6114214173619154, 0.999999999627778, 0.31184653363597087, 1.770985252956271e-08],
    "Bleu_4": [
        8.694417437248925e-05,
        0.9999999995958335,
        5.4085366077075346e-05,
        3.3365741273970057e-08,
    ],
    "ROUGE_L": [0.9360613810741688, 1.0, 0.6224489795918368, 0.26521739130434785],
    "CIDEr": [2.3349109094486136, 6.004735135149911, 0.7089894897828551, 0.4581723898265224],
}
# What METEOR's program counts, but that one piece of the second image is none.
METEOR_COUNTS = np.array(
    [
        [7, 6, 4, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 6, 6],
        [6, 6, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 6, 6],
        [6, 4, 3, 2, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3],
        [4, 5, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
    ]
)
METEOR_OF_SET = 0.39747428158314757
METEOR_PER_IMAGE = [0.5119556177223324, 1.0, 0.30136922264178, 0.10762331838565023]
