"""The ablation of Sx3HRe (T. Cares, 2024): what a student of BEiT-2 retrieves, by its alignment.

Beside the regression of the teacher's [CLS]: "itc", two contrastive losses; "cosine", pairs and one
wrong caption an image; "none", nothing else. The recalls are those that the author corrected on 3
August 2024, one training run each. Two rows of the table of 31 July are not here:

- Flickr30k's of "none" (and "itc") came of an index in which every caption had an image id of its
  own: each picture five times, with one right caption each. Text retrieval's R@1 is then a fifth
  of the true one, and image retrieval's R@5 and R@10 are the true R@1 and R@2.
- "itc" was, on both data sets, another model's: the supervised reproduction of SHRe.

All 25,010 captions of COCO's test were asked for, where protocol 5k has 25,000: below 0.1.
"""

ARMS = ("itc", "cosine", "none")
SOURCE = "Sx3HRe's ablation, as corrected on 3 August 2024"
# Text retrieval R@1, 5, 10, image retrieval R@1, 5, 10 of each arm.
COCO: dict[str, tuple[float, ...]] = {
    "itc": (53.38, 79.64, 87.96, 35.60, 65.73, 77.52),
    "cosine": (35.48, 60.74, 71.44, 12.46, 31.74, 43.71),
    "none": (33.52, 59.34, 70.14, 11.26, 29.12, 40.40),
}
FLICKR30K: dict[str, tuple[float, ...]] = {
    "itc": (66.10, 89.80, 95.00, 51.98, 78.10, 86.00),
    "cosine": (47.20, 73.60, 83.50, 20.98, 44.20, 54.56),
    "none": (44.30, 71.10, 81.20, 18.42, 39.64, 50.52),
}
