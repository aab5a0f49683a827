"""SPICE (Anderson et al., 2016), by its own Java program, where the user has what that needs.

pycocoevalcap's wheel holds the program and all but Stanford's CoreNLP 3.6.0 with its models, 400 MB
that others download unasked. Here the user names the folder that they are in. Java newer than 11
ends the program with nothing but its exit status, unless it is opened up by many options.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from captioning.metrics.java import NotComputedError, java_version, run_java, wheel_folder

JAR = "spice-1.0.jar"
NEWEST_JAVA = 11
MODELS = "stanford-corenlp-3.6.0-models.jar"


def spice_scores(
    systems: Sequence[Sequence[Sequence[str]]],
    references: Sequence[Sequence[Sequence[str]]],
    corenlp: Path | None,
    java: str = "java",
) -> list[np.ndarray]:
    """Return SPICE of each image of each system: F of the propositions that both sides name.

    Args:
        systems: of each, the words of each image's caption.
        references: of each image, the words of its 1..n references.
        corenlp: the folder of CoreNLP's jars; None where the user named none.

    Returns:
        for each system (n_images,) float64 in [0, 1]; the value of a set is the mean.

    Raises:
        NotComputedError: something is missing, Java is too new, or the program fails.
    """
    if corenlp is None:
        raise NotComputedError(
            f"it needs CoreNLP 3.6.0 with {MODELS}, which is not downloaded here; name its folder "
            "by --corenlp"
        )
    if not (corenlp / MODELS).is_file():
        raise NotComputedError(f"--corenlp {corenlp}: found no {MODELS} there")
    version = java_version(java)
    if version > NEWEST_JAVA:
        raise NotComputedError(
            f"{java} is Java {version}, and the program needs 8 to {NEWEST_JAVA}; name another by "
            "--java"
        )
    folder = wheel_folder("spice", JAR)
    content = [
        {
            "image_id": f"{number}/{row}",
            "test": " ".join(words),
            "refs": [" ".join(one) for one in image],
        }
        for number, captions in enumerate(systems)
        for row, (words, image) in enumerate(zip(captions, references, strict=True))
    ]
    found = _run(content, folder, corenlp, java)
    try:
        by_id = {item["image_id"]: item["scores"]["All"]["f"] for item in found}
        return [
            np.array([by_id[f"{number}/{row}"] for row in range(len(references))], np.float64)
            for number in range(len(systems))
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise NotComputedError(f"SPICE's program did not score each image ({error!r})") from error


def _run(content: list[dict], folder: Path, corenlp: Path, java: str) -> list[dict]:
    """Run the program, with the user's jars and the wheel's beside it."""
    jars = [folder / JAR, folder / "lib" / "*", corenlp.resolve() / "*"]
    with tempfile.TemporaryDirectory() as temporary:
        asked, told = (Path(temporary) / name for name in ("captions.json", "scores.json"))
        asked.write_text(json.dumps(content), "utf-8")
        program = ["-Xmx8G", "-cp", os.pathsep.join(map(str, jars)), "edu.anu.spice.SpiceScorer"]
        options = [str(asked), "-out", str(told), "-subset", "-silent"]
        run_java([java, *program, *options], folder=Path(temporary))
        try:
            return json.loads(told.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise NotComputedError(f"SPICE's program wrote no scores ({error})") from error
