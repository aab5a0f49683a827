"""Measure the rules that ask what was retrieved, where the causes are known: precision, recall.

Reads the demo's folder (demo_settings.json, from which its scenes are made again; the instances,
the split file, the images) and rankings files of its split. Prints a Markdown table, and writes
nothing.

    python -m demo.image_reasons --data_dir datasets/demo \\
        --rankings runs/demo/lxmert/test.npz runs/demo/clip/test.npz

Four sets are measured. "planted": one query an image, whose ten captions are of its own scene with
its main thing's category, colour or number changed, or with nothing changed. "retrieved": every
image query of every model, with the wrong captions of its top 10; true is what the scene graph and
the grammar say. Captions with a long modifier are left out of "plausible retrieval" there: whether
a dog "has been keeping the kite company", no scene tells. "caption queries": the same of the wrong
images that were retrieved for each caption, and "hard ones" of the hard captions alone. "degraded":
images blurred, darkened and so on, against the same images as they are. Takes 20 s on one CPU core.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from demo.render import SETTINGS_NAME, RenderArguments, make_records
from demo.scenes.annotations import Record
from demo.scenes.captions import Caption
from demo.scenes.claims import Claims, claims_of
from demo.scenes.planted_retrievals import plant_queries
from demo.scenes.scenes import Scene
from error_analysis.queries.hard_queries import HARD_RANK
from error_analysis.queries.model_rankings import ModelRankings, read_model_rankings
from error_analysis.queries.query import Query, describe_queries
from error_analysis.reasons.images import details, plausible, salient_object
from error_analysis.reasons.images.base_rates import base_rates
from error_analysis.reasons.images.image_reasons import image_reasons
from error_analysis.reasons.images.objects import Objects, read_instances
from error_analysis.reasons.images.quality import measure_quality
from error_analysis.relevance.plausible_documents import PlausibleDocuments
from preprocess.base.command_line import parse_arguments, run_command
from preprocess.base.files import read_json
from preprocess.captions.split_file import Split, read_split
from preprocess.storage.images_file import ImagesFile

RULES = (salient_object.NAME, details.NAME, plausible.NAME)
_LEAST_SHARE = 0.3


@dataclass
class ImageReasonsArguments:
    rankings: list[Path] = field(metadata={"help": "rankings .npz files of the split"})
    data_dir: Path = field(metadata={"help": "folder of demo.render and setup.sh demo"})
    split: str = field(default="test", metadata={"help": "name of the split"})
    seed: int = field(default=0, metadata={"help": "seed of the planted queries"})


@dataclass(frozen=True)
class Score:
    """How a rule's verdicts agree with the truth.

    Attributes:
        rule, data: what was measured, and on what.
        found, true, both: queries that the rule names, that are true, and that are both.
    """

    rule: str
    data: str
    found: int
    true: int
    both: int

    @property
    def precision(self) -> float:
        return self.both / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        return self.both / self.true if self.true else float("nan")


def score(rule: str, data: str, found: Sequence[bool], true: Sequence[bool]) -> Score:
    """Compare verdicts (n,) with the truth (n,)."""
    said, right = np.asarray(found, bool), np.asarray(true, bool)
    return Score(rule, data, int(said.sum()), int(right.sum()), int((said & right).sum()))


def score_table(scores: Sequence[Score]) -> str:
    """Return the scores as a Markdown table."""
    lines = ["| rule | on | true | found | precision | recall |", "|---|---|---:|---:|---:|---:|"]
    return "\n".join(
        [
            *lines,
            *(
                f"| {s.rule} | {s.data} | {s.true} | {s.found} | {s.precision:.2f} "
                f"| {s.recall:.2f} |"
                for s in scores
            ),
        ]
    )


def read_records(data_dir: Path, split: str) -> list[Record]:
    """Make the scenes of a rendered split again, in the order of its file."""
    settings = read_json(data_dir / SETTINGS_NAME, "make it with `python -m demo.render`")
    records = make_records(RenderArguments(data_dir, **settings))
    return [record for record in records if record.split == split]


def true_reasons(scene: Scene, own: Sequence[Caption], retrieved: Sequence[Caption]) -> set[str]:
    """Return the rules that are true of a query, by its scene and the grammar alone.

    Args:
        own: the captions of the scene.
        retrieved: wrong ones, as their scenes' grammar made them.
    """
    claims = [claims_of(caption) for caption in retrieved]
    held = {thing.category for thing in scene.things}
    said = [claims_of(caption).categories for caption in own]
    main = {c for c in held if sum(c in names for names in said) >= 2}
    if not main:
        areas = {c: sum(_area(t) for t in scene.things if t.category == c) for c in held}
        main = {max(areas, key=areas.__getitem__)}
    found = set()
    if any(_is_confused(category, held, claims) for category in main):
        found.add(salient_object.NAME)
    other = [
        bool(c.categories & main) and c.kinds_in(scene) and not c.details_of(scene) for c in claims
    ]
    if sum(other) >= _LEAST_SHARE * len(claims):
        found.add(details.NAME)
    visible = [caption for caption in retrieved if caption.kind != "long_modifier"]
    if any(claims_of(caption).true_of(scene) for caption in visible):
        found.add(plausible.NAME)
    return found


def _area(thing) -> int:
    return thing.box[2] * thing.box[3]


def _is_confused(category: str, held: set[str], claims: Sequence[Claims]) -> bool:
    """Tell whether most captions miss a thing, and many name one and the same other instead."""
    missing = [c for c in claims if all(category not in t.categories for t in c.things)]
    others = {name for c in missing for name in c.categories - held}
    most = max((sum(name in c.categories for c in missing) for name in others), default=0)
    return 2 * len(missing) > len(claims) and most >= _LEAST_SHARE * len(claims)


def planted_scores(records: list[Record], gallery: Split, objects: Objects, seed: int):
    """Measure the rules on planted causes; what else is true by chance is no mistake.

    Whether a caption of a changed scene is true of the image all the same ("a cat", of a cat and a
    dog), the scene tells.
    """
    planted = plant_queries(records, seed)
    rates = base_rates(gallery, objects.vocabulary)
    reasons = image_reasons([p.query for p in planted], rates, objects)
    names = [{reason.name for reason in found} for found in reasons]
    truth = {
        salient_object.NAME: [p.cause == "category" for p in planted],
        details.NAME: [p.cause in ("colour", "number") for p in planted],
    }
    return [score(rule, "planted", [rule in n for n in names], truth[rule]) for rule in truth]


def retrieved_scores(records: list[Record], models: Sequence[ModelRankings], objects: Objects):
    """Measure the rules on what models retrieved for every image query."""
    captions = {i: c for r in records for i, c in zip(r.caption_ids, r.captions, strict=True)}
    scene_of = {record.image_id: record for record in records}
    documents = _plausible_documents(models, objects)
    rates = base_rates(models[0].gallery, objects.vocabulary)
    names, truth = [], []
    for model in models:
        queries = describe_queries(model, "i2t", range(len(model.gallery.images)))
        visible = [_without_long_modifiers(query, captions) for query in queries]
        found = image_reasons(queries, rates, objects), documents.of(visible)
        for query, reasons, fitting in zip(queries, *found, strict=True):
            names.append({r.name for r in reasons} | ({plausible.NAME} if fitting else set()))
            record = scene_of[query.item.image_id]
            wrong = [captions[i] for i in _wrong_ids(query)]
            truth.append(true_reasons(record.scene, record.captions, wrong))
    return [
        score(rule, "retrieved", [rule in n for n in names], [rule in t for t in truth])
        for rule in RULES
    ]


def caption_query_scores(
    records: list[Record], models: Sequence[ModelRankings], objects: Objects
) -> list[Score]:
    """Measure plausible retrieval on what models retrieved for every caption query."""
    captions = {i: c for r in records for i, c in zip(r.caption_ids, r.captions, strict=True)}
    scene_of = {record.image_id: record.scene for record in records}
    gallery = models[0].gallery
    documents = _plausible_documents(models, objects)
    visible = [captions[i].kind != "long_modifier" for i in gallery.caption_ids.tolist()]
    found, true, hard = [], [], []
    for model in models:
        queries = describe_queries(model, "t2i", np.flatnonzero(visible))
        found += [bool(fitting) for fitting in documents.of(queries)]
        for query in queries:
            claims = claims_of(captions[query.item.caption_id])
            wrong = [r.item.image_id for r in query.retrieved if not r.is_ground_truth]
            true.append(any(claims.true_of(scene_of[image_id]) for image_id in wrong))
            hard.append(query.rank >= HARD_RANK)
    found, true, hard = np.array(found), np.array(true), np.array(hard)
    return [
        score(plausible.NAME, "caption queries", found, true),
        score(plausible.NAME, "hard ones", found[hard], true[hard]),
    ]


def _plausible_documents(models: Sequence[ModelRankings], objects: Objects) -> PlausibleDocuments:
    gallery = models[0].gallery
    return PlausibleDocuments(gallery, plausible.Plausibility(gallery, objects.vocabulary))


def _without_long_modifiers(query: Query, captions: dict[int, Caption]) -> Query:
    kept = [r for r in query.retrieved if captions[r.item.caption_id].kind != "long_modifier"]
    return replace(query, retrieved=tuple(kept))


def _wrong_ids(query: Query) -> list[int]:
    return [r.item.caption_id for r in query.retrieved if not r.is_ground_truth]


def degraded(image: Image.Image) -> dict[str, Image.Image]:
    """Return an RGB image with each defect that the rule for low quality knows."""
    side = max(image.size)
    return {
        "blur": image.filter(ImageFilter.GaussianBlur(side / 200)),
        "darkness": ImageEnhance.Brightness(image).enhance(0.2),
        "over-exposure": image.point(lambda value: min(255, 2 * value + 60)),
        "low contrast": ImageEnhance.Contrast(image).enhance(0.2),
        "tiny": image.resize((image.width * 96 // side, image.height * 96 // side)),
    }


def quality_scores(images: Sequence[np.ndarray], data: str) -> list[Score]:
    """Measure each defect on images (H, W, 3) that have it and on the same ones untouched."""
    untouched = [measure_quality(image).defects() for image in images]
    changed: dict[str, list[bool]] = {}
    for image in images:
        for defect, other in degraded(Image.fromarray(image)).items():
            found = defect in measure_quality(np.asarray(other)).defects()
            changed.setdefault(defect, []).append(found)
    return [
        score(
            f"low quality: {defect}",
            data,
            [*found, *(defect in defects for defects in untouched)],
            [True] * len(found) + [False] * len(untouched),
        )
        for defect, found in changed.items()
    ]


def main() -> None:
    arguments = parse_arguments(ImageReasonsArguments, description=__doc__)
    folder, name = arguments.data_dir, arguments.split
    split = read_split(folder / f"{name}.json")
    models = read_model_rankings(arguments.rankings, split)
    records = read_records(folder, name)
    instances = folder / "annotations" / "instances_val2014.json"
    objects = read_instances(instances, split.image_ids)
    images = ImagesFile(folder / f"{name}_images.h5")
    pixels = [images.read(image_id) for image_id in split.image_ids.tolist()]
    scores = [
        *planted_scores(records, split, objects, arguments.seed),
        *retrieved_scores(records, models, objects),
        *caption_query_scores(records, models, objects),
        *quality_scores(pixels, "degraded"),
    ]
    print(score_table(scores))


if __name__ == "__main__":
    run_command(main)
