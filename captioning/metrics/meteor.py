"""METEOR 1.5 for English (Denkowski & Lavie, 2014): the words matched by its Java program.

The program aligns two captions, by words, stems, synonyms and paraphrases, and tells 23 counts of
each image. The score follows from them here, of one image or of several added up, which is what
METEOR of a set of images is: not the mean of theirs.
"""

from collections.abc import Sequence

import numpy as np

from captioning.metrics.java import NotComputedError, run_java, wheel_folder

JAR = "meteor-1.5.jar"
# The program's parameters for English: how much precision counts against recall, pieces against
# matches (twice), content words against function words; exact words, stems, synonyms, paraphrases.
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
STAGES = np.array([1.0, 0.6, 0.8, 0.6])
N_COUNTS = 23


def meteor_counts(
    systems: Sequence[Sequence[Sequence[str]]],
    references: Sequence[Sequence[Sequence[str]]],
    java: str = "java",
) -> list[np.ndarray]:
    """Return the counts of each system's captions, aligned in one Java process.

    Args:
        systems: of each, the words of each image's caption.
        references: of each image, the words of its 1..n references.

    Returns:
        for each system (n_images, N_COUNTS) float64.

    Raises:
        NotComputedError: no Java, no wheel, or a process that fails or answers otherwise.
    """
    folder = wheel_folder("meteor", JAR)
    lines = [
        " ||| ".join(["SCORE", *map(_text, image), _text(words)])
        for captions in systems
        for image, words in zip(references, captions, strict=True)
    ]
    command = [java, "-Xmx2G", "-jar", JAR, "-", "-", "-stdio", "-l", "en", "-norm"]
    told = run_java(command, "\n".join(lines) + "\n", folder).stdout.splitlines()
    rows = [line.split() for line in told if line.strip()]
    if len(rows) != len(lines) or any(len(row) != N_COUNTS for row in rows):
        raise NotComputedError(
            f"METEOR's program answered {len(rows):,} lines to {len(lines):,}; expected "
            f"{N_COUNTS} counts to each"
        )
    counts = np.array(rows, np.float64)
    # A caption that is a reference in one piece is not in pieces, says the program.
    whole = (counts[:, 20] == 1) & (counts[:, 21:] == counts[:, :2]).all(axis=1)
    counts[whole, 20] = 0
    return list(counts.reshape(len(systems), len(references), N_COUNTS))


def _text(words: Sequence[str]) -> str:
    # Three bars end a caption.
    return " ".join(words).replace("|||", "")


def meteor(counts: np.ndarray) -> np.ndarray:
    """Return METEOR of counts of one image, or of several added up.

    Args:
        counts: (..., N_COUNTS): words of the caption and of the reference, function words of both;
            four stages of matched content words of both, then function words of both; pieces, and
            matched words of both.

    Returns:
        (...) float64 in [0, 1].
    """
    sides = []
    for side in (0, 1):  # the caption: precision; the reference: recall
        content, function = (counts[..., start + side : 20 : 4] @ STAGES for start in (4, 6))
        n_function = counts[..., 2 + side]
        weight = DELTA * (counts[..., side] - n_function) + (1 - DELTA) * n_function
        sides.append(_divided(DELTA * content + (1 - DELTA) * function, weight))
    precision, recall = sides
    mean = _divided(precision * recall, (1 - ALPHA) * recall + ALPHA * precision)
    pieces = _divided(2 * counts[..., 20], counts[..., 21] + counts[..., 22])
    return mean * (1 - GAMMA * pieces**BETA)


def _divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return a quotient that is 0 where nothing is matched."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
