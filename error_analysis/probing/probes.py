"""The probes: a caption and its edit, all typos repaired, all images made negatives, and boxes."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from error_analysis.probing.caption_boxes import (
    boxes_to_json,
    boxes_to_text,
    find_boxes,
    hard_captions,
)
from error_analysis.probing.harmless_edit import harmless_edit
from error_analysis.probing.negative_images import changes_to_json, changes_to_text, score_gallery
from error_analysis.probing.probed_captions import (
    ScoringModel,
    check_caption,
    row_of_image,
    rows_with_caption,
    score_captions,
)
from error_analysis.probing.rank_lists import rank_list, rank_list_to_json, side_by_side
from error_analysis.probing.typo_repair import (
    find_repairs,
    read_repairs,
    repair_queries,
    repairs_to_json,
    repairs_to_text,
)
from error_analysis.queries.model_rankings import ModelRankings
from information_retrieval.ranking.protocols import Protocol, galleries
from information_retrieval.ranking.rankings import Rankings
from preprocess.captions.split_file import Split, read_split

N_SHOWN = 10


def probe_caption(
    caption: str,
    edit: str | None,
    control: bool,
    negatives: bool,
    image_id: int | None,
    gallery: Split,
    model: ScoringModel,
) -> tuple[dict, str]:
    """Score a caption beside its edit, or beside itself on negatives; alone without either.

    Returns the content of the output file but for its metadata, and what is printed.

    Args:
        control: also score a harmless edit.
        image_id: the right image; None: those that have the caption.

    Raises:
        InputError: a caption without words, or no such image in the gallery.
    """
    check_caption("--caption", caption)
    if edit is not None:
        check_caption("--edit", edit)
    if image_id is None:
        truth = rows_with_caption(gallery, caption)
    else:
        truth = np.array([row_of_image(gallery, image_id)])
    captions = {"caption": caption}
    if edit is not None:
        captions["edit"] = edit
    if control:
        captions["control"] = harmless_edit(caption)
    source = " and ".join(f"--{title} ({i})" for i, title in enumerate(captions, start=1))
    scores = score_captions(list(captions.values()), source, gallery, model)
    lists = [
        rank_list(title, text, column, gallery, truth)
        for (title, text), column in zip(captions.items(), scores.T, strict=True)
    ]
    if negatives:
        [column] = score_captions([caption], source, gallery, model.on_negatives()).T
        lists.append(rank_list("on negatives", caption, column, gallery, truth))
    return {"lists": [rank_list_to_json(ranked) for ranked in lists]}, side_by_side(lists)


def probe_typos(
    repairs_file: Path | None,
    train_split_file: Path | None,
    split: Split,
    gallery: Split,
    model: ScoringModel,
    known: ModelRankings | None,
    protocol: Protocol,
) -> tuple[dict, str]:
    """Return the content of the output file but for its metadata, and what is printed.

    Args:
        repairs_file: repaired captions; None: those of the typo rule, which learns the usual words
            from `train_split_file`, if there is one.
    """
    if repairs_file is not None:
        repairs = read_repairs(repairs_file, gallery, split)
    else:
        usual = read_split(train_split_file).captions if train_split_file else ()
        repairs = find_repairs(gallery, usual)
    folds = galleries(protocol, len(gallery.images))
    scores = known.rankings.scores if known else None
    queries = repair_queries(repairs, gallery, model, folds, scores)
    return repairs_to_json(queries), repairs_to_text(queries, N_SHOWN)


def probe_negatives(
    gallery: Split, model: ScoringModel, known: ModelRankings | None, protocol: Protocol
) -> tuple[dict, str]:
    """Return the content of the output file but for its metadata, and what is printed."""
    # First, so that a model that reads no images is told at once.
    on_negatives = score_gallery(gallery, model, negatives=True)
    images = _rankings(gallery, model, known, protocol)
    negatives = _named("negatives", gallery, model, on_negatives, protocol)
    return changes_to_json(images, negatives), changes_to_text(images, negatives)


def probe_boxes(
    hard_rank: int,
    gallery: Split,
    model: ScoringModel,
    known: ModelRankings | None,
    protocol: Protocol,
) -> tuple[dict, str]:
    """Return the content of the output file but for its metadata, and what is printed.

    Captions that were cut or empty are told of in both.

    Args:
        hard_rank: 0-based rank from which on a caption gets boxes; 0: all do.
    """
    queries = hard_captions(_rankings(gallery, model, known, protocol), hard_rank)
    if not queries:
        return boxes_to_json([], hard_rank), boxes_to_text([], hard_rank)
    found, tokens = find_boxes(queries, gallery, model)
    content = {**boxes_to_json(found, hard_rank), **tokens.to_json()}
    return content, "\n".join([*tokens.warnings(), boxes_to_text(found, hard_rank)])


def _rankings(
    gallery: Split, model: ScoringModel, known: ModelRankings | None, protocol: Protocol
) -> ModelRankings:
    """Return what is known of the images as they are; score them where nothing is."""
    scored = known.rankings if known else score_gallery(gallery, model, negatives=False)
    return _named("images", gallery, model, scored, protocol)


def _named(
    name: str, gallery: Split, model: ScoringModel, scored: Rankings, protocol: Protocol
) -> ModelRankings:
    scored = replace(scored, metadata={**scored.metadata, "protocol": protocol})
    return ModelRankings(name, Path(model.name), gallery, scored)
