"""Swin's tables of relative positions, for windows of another size."""

import numpy as np
from scipy.interpolate import RectBivariateSpline

from preprocess.base.errors import InputError

SMALLEST = 3  # tokens of a window: a cubic spline goes through 4 values or more a side, 5 here
TOLERANCE = 1e-6  # of the ratio that is searched for


def resize_table(table: np.ndarray, window: int) -> np.ndarray:
    """Resize a table of relative position biases, as BEiT's and X-VLM's code do.

    The known values are taken to lie ever further apart from the middle outwards, in a geometric
    progression that reaches as far as the new table; a cubic spline through them is read at whole
    positions. So near positions keep what they have learnt, where a plain resize would stretch it.

    Args:
        table: ((2 * old_window - 1) ** 2, n_heads).
        window: the new side, in tokens.

    Returns:
        ((2 * window - 1) ** 2, n_heads) float32.

    Raises:
        InputError: a table of too small a window to be resized.
    """
    source, target = round(len(table) ** 0.5), 2 * window - 1
    if source == target:
        return np.asarray(table, np.float32)
    if (old := (source + 1) // 2) < SMALLEST:
        raise InputError(
            f"--image_size: the position tables are of windows of {old} x {old} tokens, which "
            f"cannot be resized to {window} x {window}; expected windows of {SMALLEST} x "
            f"{SMALLEST} or more, or a size for which they stay {old} x {old}"
        )
    outwards = np.cumsum(_ratio(source // 2, target // 2) ** np.arange(source // 2))
    positions = np.concatenate([-outwards[::-1], [0.0], outwards])
    wanted = np.clip(np.arange(target) - target // 2, positions[0], positions[-1])
    heads = np.asarray(table, np.float64).T.reshape(-1, source, source)  # (n_heads, s, s)
    resized = [RectBivariateSpline(positions, positions, head)(wanted, wanted) for head in heads]
    return np.stack([head.ravel() for head in resized], axis=1).astype(np.float32)


def _ratio(n_steps: int, reach: int) -> float:
    """Return the ratio in [1.01, 1.5] of a geometric progression whose sum is the reach."""
    low, high = 1.01, 1.5
    while high - low > TOLERANCE:
        ratio = (low + high) / 2
        if (1 - ratio**n_steps) / (1 - ratio) > reach:
            high = ratio
        else:
            low = ratio
    return ratio
