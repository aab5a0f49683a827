"""The rules of error_analysis.explain against people: how often a reason is a tag as well.

Asked of the judged queries that are hard for a model, of each reason that is a tag by its name,
whatever its case. Where several judged a query, it has the tags that more than half of them gave; a
tie is none, and a judge who was not offered a tag has not given it. Neither number tells of other
queries where the judges chose theirs: who looked at flagged ones alone finds a recall of 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from error_analysis.explaining.explanations import (
    DirectionExplanation,
    ExplainedQuery,
    Explanations,
    ModelExplanation,
)
from error_analysis.judging.judgement import NONE, tag_key
from error_analysis.judging.judgements import JudgementFile
from error_analysis.judging.panel import Panel, Votes
from error_analysis.judging.shares import Share, share_of, share_to_json
from information_retrieval.ranking.query_ranks import Direction
from preprocess.base.errors import InputError
from preprocess.base.text_table import text_table


@dataclass(frozen=True, slots=True)
class RulePrecision:
    """One rule against the tag of its name, on judged hard queries.

    Attributes:
        flagged, tagged, both: queries that have the reason, the tag, and both.
        precision, recall, f1: both / flagged, both / tagged, 2 both / (flagged + tagged); None
            where that has no queries.
    """

    reason: str
    flagged: int
    tagged: int
    both: int
    precision: Share | None
    recall: Share | None
    f1: Share | None


@dataclass(frozen=True)
class ModelRules:
    """The rules on one model's hard queries of one direction, of which `n_judged` are judged."""

    model: str
    direction: Direction
    n_hard: int
    n_judged: int
    rules: tuple[RulePrecision, ...]


@dataclass(frozen=True)
class RulesAgainstJudges:
    """All models' rules, reasons that are no tag, and tags that are no reason ("none" left out)."""

    models: tuple[ModelRules, ...]
    reasons_alone: tuple[str, ...]
    tags_alone: tuple[str, ...]


def check_same_queries(
    path: Path, explanations: Explanations, files: Sequence[JudgementFile]
) -> None:
    """Raise InputError where the reasons are of another data set or split than a judge's file."""
    for model in explanations.metadata.get("models", ()):
        for file in files:
            for member in ("dataset", "split"):
                judged = getattr(file, member)
                if judged is not None and model.get(member) not in (None, judged):
                    raise InputError(
                        f"{path}: expected the reasons of {member} {judged!r}, as {file.judge} "
                        f"judged, found those of {model[member]!r}; give the reasons of that report"
                    )


def judge_rules(explanations: Explanations, panel: Panel) -> RulesAgainstJudges:
    """Compare the rules with the majority of the judges.

    Raises:
        InputError: a judged query is of another image in the reasons.
    """
    votes = panel.majority()
    reasons = {
        tag_key(name): name
        for model in explanations.models
        for found in model.directions.values()
        for name in _names(found)
    }
    return RulesAgainstJudges(
        tuple(
            _judge_model(model, direction, panel, votes)
            for model in explanations.models
            for direction in model.directions
        ),
        tuple(name for key, name in reasons.items() if key not in panel.tags),
        tuple(tag for key, tag in panel.tags.items() if key not in reasons and key != NONE),
    )


def _names(found: DirectionExplanation) -> list[str]:
    """Return the reasons that were found of hard or easy queries, each once."""
    of_queries = (reason.name for query in found.hard for reason in query.reasons)
    return list(dict.fromkeys([*(count.name for count in found.counts), *of_queries]))


def _judge_model(
    model: ModelExplanation, direction: Direction, panel: Panel, votes: Votes
) -> ModelRules:
    found = model.directions[direction]
    judged = {f"{direction}-{query.query_id}": query for query in found.hard}
    judged = {name: query for name, query in judged.items() if name in votes}
    for name, query in judged.items():
        if query.image_id != panel.image_of[name]:
            raise InputError(
                f"the reasons of {model.name}: expected {name} of image {panel.image_of[name]}, as "
                f"judged, found image {query.image_id}; give reasons and judgements of one gallery"
            )
    rules = tuple(
        _judge_rule(name, judged, votes) for name in _names(found) if tag_key(name) in panel.tags
    )
    return ModelRules(model.name, direction, len(found.hard), len(judged), rules)


def _judge_rule(name: str, judged: dict[str, ExplainedQuery], votes: Votes) -> RulePrecision:
    key = tag_key(name)
    flagged = [any(tag_key(r.name) == key for r in query.reasons) for query in judged.values()]
    tagged = [key in votes[query] for query in judged]
    images = [query.image_id for query in judged.values()]
    both = [a and b for a, b in zip(flagged, tagged, strict=True)]
    return RulePrecision(
        name,
        sum(flagged),
        sum(tagged),
        sum(both),
        precision=share_of(both, flagged, images),
        recall=share_of(both, tagged, images),
        f1=share_of(
            [2 * b for b in both],
            [int(a) + int(b) for a, b in zip(flagged, tagged, strict=True)],
            images,
        ),
    )


def rules_to_json(found: RulesAgainstJudges) -> dict:
    """Return the comparison as in the output file."""
    return {
        "models": [
            {
                "model": model.model,
                "direction": model.direction,
                "hard": model.n_hard,
                "judged": model.n_judged,
                "rules": [
                    {
                        "reason": rule.reason,
                        "flagged": rule.flagged,
                        "tagged": rule.tagged,
                        "both": rule.both,
                        "precision": share_to_json(rule.precision),
                        "recall": share_to_json(rule.recall),
                        "f1": share_to_json(rule.f1),
                    }
                    for rule in model.rules
                ],
            }
            for model in found.models
        ],
        "reasons_without_tag": list(found.reasons_alone),
        "tags_without_reason": list(found.tags_alone),
    }


def rules_table(found: RulesAgainstJudges) -> str:
    """Return the comparison as text, a table a model and direction."""
    lines = ["rules against tags; of several judges more than half have to give it, a tie is none"]
    for model in found.models:
        told = f"{model.model}, {model.direction}: {model.n_judged:,} of {model.n_hard:,} hard "
        lines.append(f"{told}queries judged")
        if not model.n_judged or not model.rules:
            continue
        rows = [["rule", "flagged", "tagged", "both", "precision", "recall", "F1"]]
        for rule in model.rules:
            shares = (rule.precision, rule.recall, rule.f1)
            counts = (f"{n:,}" for n in (rule.flagged, rule.tagged, rule.both))
            rows.append([rule.reason, *counts, *("" if s is None else s.told for s in shares)])
        lines += text_table(rows, "lrrrrrr")
    for what, names in (
        ("reasons that are no tag", found.reasons_alone),
        ("tags that are no reason", found.tags_alone),
    ):
        if names:
            lines.append(f"{what}: {', '.join(names)}")
    return "\n".join(lines)
