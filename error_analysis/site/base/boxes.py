"""The detector's boxes of an image, as a page draws them over the thumbnail."""

from collections.abc import Sequence
from dataclasses import dataclass

from error_analysis.reasons.images.objects import MIN_SCORE, detector_labels
from preprocess.base.errors import InputError
from preprocess.storage.features_file import FeaturesFile


@dataclass(frozen=True)
class BoxSource:
    """A features file with the names of its objects.

    Attributes:
        labels: by object id; empty where nothing names them: boxes then have numbers.
    """

    features: FeaturesFile
    labels: tuple[str, ...]

    @classmethod
    def of(cls, features: FeaturesFile, labels: Sequence[str] | None = None) -> "BoxSource":
        """Take the given labels, or those that the file names, or none."""
        try:
            return cls(features, detector_labels(features, labels))
        except InputError:
            return cls(features, ())

    def of_image(self, image_id: int) -> dict:
        """Return an image's boxes as JSON, best score first.

        Returns:
            "size": [width, height] in pixels; "boxes": [x1, y1, x2, y2, label, score, counts], in
            pixels; counts tells whether the score is high enough for the label to count.

        Raises:
            InputError: the image is not in the file, or its data are damaged.
        """
        rows = self.features.read(image_id)
        height, width = rows["image_sizes"].tolist()
        n_own = len(rows["object_ids"]) - int(rows["n_fillers"])
        pixels = (rows["visual_pos"][:n_own] * (width, height, width, height)).round(1)
        boxes = [
            [*box, self._label(object_id), round(score, 2), score >= MIN_SCORE]
            for box, object_id, score in zip(
                pixels.tolist(),
                rows["object_ids"][:n_own].tolist(),
                rows["object_scores"][:n_own].tolist(),
                strict=True,
            )
        ]
        return {"size": [width, height], "boxes": sorted(boxes, key=lambda box: -box[5])}

    def _label(self, object_id: int) -> str:
        named = 0 <= object_id < len(self.labels)
        return self.labels[object_id] if named else f"object {object_id}"
