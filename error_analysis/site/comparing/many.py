"""From how many models on a page tells of them by matrices and folded lists, and not one by one."""

from collections.abc import Sized

MOST_LISTED = 4  # of five models there are ten pairs


def are_many(models: Sized) -> bool:
    """Return whether they are more than can be told one by one."""
    return len(models) > MOST_LISTED
