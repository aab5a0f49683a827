"""Captions that were made here, as files: COCO's results, and beside them how they were made.

test_captions.json             [{"image_id": 42, "caption": "a dog"}, ...], and nothing more: what
                               evaluation servers take has no place for settings
test_captions_settings.json    the captioner, the images, the decoding, what was counted, and the
                               SHA-256 of the captions' file
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from captioning.results.caption_counts import CaptionCounts
from captioning.results.results_file import listed
from preprocess.base.files import sha256_of_file, write_json


def settings_path(captions: Path) -> Path:
    """Return where the settings of a captions file stand."""
    return captions.with_name(f"{captions.stem}_settings.json")


def write_captions(
    path: Path, image_ids: Sequence[int | str], captions: Sequence[str], settings: Mapping[str, Any]
) -> None:
    """Write captions and how they were made, each file atomically.

    Args:
        image_ids: as the images' source calls them.
        settings: what the captions depend on, as JSON values.
    """
    # First: of a kill between the two, captions with the settings of others before them would be
    # left, which the hash would tell, but who looks?
    settings_path(path).unlink(missing_ok=True)
    rows = zip(image_ids, captions, strict=True)
    write_json(path, [{"image_id": i, "caption": caption} for i, caption in rows], indent=None)
    content = {**settings, "captions_sha256": sha256_of_file(path)}
    write_json(settings_path(path), content)


def told_of(counts: CaptionCounts, cut: Sequence[object]) -> list[str]:
    """Return a line for each thing that one should know of captions before they are scored.

    Args:
        cut: names of images whose captions did not end by themselves.
    """
    lines = counts.told()
    if cut:
        lines.append(
            f"{len(cut):,} of {counts.captions:,} captions were cut at the limit of words: "
            f"{listed(cut)}"
        )
    return lines
