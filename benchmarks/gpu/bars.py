"""What a card is expected to reach, held against what was measured."""

from dataclasses import dataclass

COCO_IMAGES = 123_287
FIVE_K = "5K, 5,000 x 25,000 pairs, with LXMERT"
FIVE_K_XVLM = "5K with X-VLM"
MINUTES_5K, MINUTES_5K_XVLM, MINUTES_COCO, TIMES_PLAIN = 30, 15, 60, 5


@dataclass(frozen=True)
class Bar:
    """A bar: the best that was found, and the way it was found with.

    `met` and `found` are None where nothing was measured.
    """

    name: str
    expected: str
    found: str | None
    met: bool | None


def _best(results: dict[str, dict], key: str, largest: bool, **wanted: object) -> tuple | None:
    """Return the best value of a key, and its measurement, of those that have `wanted` values."""
    found = [
        (values[key], name)
        for name, values in results.items()
        if key in values and all(values.get(k) == value for k, value in wanted.items())
    ]
    if not found:
        return None
    return max(found) if largest else min(found)


def _at_most(name: str, minutes: float, best: tuple | None) -> Bar:
    if best is None:
        return Bar(name, f"under {minutes} minutes", None, None)
    value, way = best
    return Bar(name, f"under {minutes} minutes", f"{value:.1f} minutes, {way}", value < minutes)


def _at_least(name: str, times: float, best: tuple | None) -> Bar:
    if best is None:
        return Bar(name, f"at least {times} times", None, None)
    value, way = best
    return Bar(name, f"at least {times} times", f"{value:.1f} times, {way}", value >= times)


def bars(steps: dict[str, dict]) -> list[Bar]:
    """Hold the measurements of the steps, by name, against each bar."""
    lxmert, xvlm, detector = (
        steps.get(name, {}).get("results", {}) for name in ("lxmert", "xvlm", "detector")
    )
    images = f"COCO's {COCO_IMAGES:,} images"
    same = "every region as in float32"
    return [
        _at_most(FIVE_K, MINUTES_5K, _best(lxmert, "minutes_5k", False, ours=True)),
        _at_most(FIVE_K_XVLM, MINUTES_5K_XVLM, _best(xvlm, "minutes_5k", False, ours=True)),
        _at_most(images, MINUTES_COCO, _best(detector, "minutes_coco", False, ours=True)),
        _at_most(
            f"{images}, {same}",
            MINUTES_COCO,
            _best(detector, "minutes_coco", False, ours=True, regions_same=1.0),
        ),
        _at_least("extraction", TIMES_PLAIN, _best(detector, "of_plain", True, ours=True)),
        _at_least(
            f"extraction, {same}",
            TIMES_PLAIN,
            _best(detector, "of_plain", True, ours=True, regions_same=1.0),
        ),
    ]
