"""Self-retrieval as table and JSON: generated captions beside human ones and a constant one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from captioning.metrics.resampling import Interval
from captioning.self_retrieving.image_recalls import MEDIAN, NAMES, ImageRecalls, of_one_sentence
from captioning.self_retrieving.repetition import Repetition
from preprocess.base.text_table import text_table

SHOWN = {"r1": "R@1", "r5": "R@5", "r10": "R@10", MEDIAN: "median rank"}


@dataclass(frozen=True)
class Outcome:
    """What the captions of the same images retrieve, by one model.

    Attributes:
        generated, human: a captioner's, one an image, and all that people wrote.
        repetition: by the same two names, how far they repeat.
    """

    n_images: int
    generated: ImageRecalls
    human: ImageRecalls
    repetition: Mapping[str, Repetition]

    def to_json(self) -> dict:
        """Return {"metrics": {"generated", "human", "constant"}, "difference", "captions"}."""
        metrics = {
            "generated": _to_json(self.generated.intervals()),
            "human": _to_json(self.human.intervals()),
            "constant": of_one_sentence(self.n_images),
        }
        return {
            "images": self.n_images,
            "metrics": metrics,
            "difference": _to_json(self.generated.less(self.human)),
            "captions": {name: one.to_json() for name, one in self.repetition.items()},
        }

    def table(self) -> str:
        """Return a line for each kind of captions, and one for the difference."""
        constant = of_one_sentence(self.n_images)
        rows = [
            ["image retrieval by", *SHOWN.values(), "distinct", "copied"],
            ["generated captions", *_cells(self.generated.intervals()), *self._said("generated")],
            ["human captions", *_cells(self.human.intervals()), *self._said("human")],
            ["a constant caption", *(f"{constant[name]:.1f}" for name in NAMES), "", ""],
            ["generated - human", *_cells(self.generated.less(self.human), "+.1f"), "", ""],
        ]
        lines = text_table(rows, "l" + "r" * (len(rows[0]) - 1))
        return "\n".join(
            [
                f"{self.n_images:,} images; recalls in percent, ranks from 0, 95 % intervals over "
                "images in brackets",
                *lines,
                "distinct: of these captions; copied: word for word a training caption"
                + ("" if self.repetition["generated"].copied is not None else ", not counted"),
            ]
        )

    def _said(self, name: str) -> list[str]:
        found = self.repetition[name].to_json()
        copied = found["copied_share"]
        return [
            f"{100 * found['distinct_share']:.1f} %",
            "" if copied is None else f"{100 * copied:.1f} %",
        ]


def _to_json(found: Mapping[str, Interval]) -> dict:
    return {name: asdict(one) for name, one in found.items()}


def _cells(found: Mapping[str, Interval], form: str = ".1f") -> list[str]:
    return [f"{one.value:{form}} [{one.low:{form}}, {one.high:{form}}]" for one in found.values()]
