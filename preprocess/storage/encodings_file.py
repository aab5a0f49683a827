"""`{split}_targets.h5`, or another name: what a frozen encoder makes of each image of a split.

image_ids (N,) int64; encodings, float32 or float16: (N, D), one vector an image, or (N, T, D), T
tokens; done (N,) uint8, 1 of an image whose row is written, 0 of one that is missing; checksums
(N,) uint32, of an image's id and its row. Attributes: those of preprocess/storage/hdf5.py; kind,
which of the encoder's outputs they are (`Kind`; a file without it has vectors); encoder, the name
of its folder or hub id; weights_sha256, what identifies its weights (`ImageEncoder.revision`);
images_sha256, what identifies the images file (`ImagesFile.sha256`); settings (JSON).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import h5py
import numpy as np

from preprocess.base.errors import InputError
from preprocess.storage.hdf5 import Schema, SplitHdf5, reading_hdf5
from preprocess.storage.rows_writer import RowsWriter

# vector: what HF calls `pooler_output`; embedding: that of a CLIP, projected to where its texts
# are, and not normalised; tokens: a CLIP's class token and patches, before the last norm.
Kind = Literal["vector", "embedding", "tokens"]

ENCODINGS = Schema(
    "image_encodings",
    "`python -m preprocess.encode_images`",
    {
        "image_ids": ("N", "int64"),
        "done": ("N", "uint8"),
        "checksums": ("N", "uint32"),
        "encodings": ("N D or N T D", "float32 or float16"),
    },
)


class EncodingsFile(SplitHdf5):
    """A vector, or tokens, for each image of a split.

    Attributes:
        shape: of an image's encoding, (D,) or (T, D).
        width: D.
        dtype: the name of the stored type.
    """

    schema = ENCODINGS

    def read_shapes(self, file: h5py.File) -> None:
        self.shape: tuple[int, ...] = tuple(map(int, file["encodings"].shape[1:]))
        self.width = self.shape[-1]
        self.dtype = file["encodings"].dtype.name

    @property
    def kind(self) -> str:
        """Which of the encoder's outputs they are, a `Kind`."""
        return str(self.attributes.get("kind", "vector"))

    @property
    def encoder(self) -> str:
        """The name of the encoder's folder, or its hub id."""
        return str(self.attributes["encoder"])

    @property
    def revision(self) -> str:
        """What identifies the encoder's weights."""
        return str(self.attributes["weights_sha256"])

    def check_made_by(self, kind: Kind, revision: str | None = None) -> None:
        """Raise InputError unless they are of this kind and, where given, by these weights."""
        found = f"{self.kind} by {self.encoder} ({self.revision})"
        if self.kind != kind:
            raise InputError(
                f"{self.path}: expected encodings of the kind {kind}, found {found}; make them "
                f"with {self.schema.made_by} --kind {kind}"
            )
        if revision not in (None, self.revision):
            raise InputError(
                f"{self.path}: expected encodings by the weights {revision}, found {found}; make "
                f"them with {self.schema.made_by} and the encoder of these weights"
            )

    def read(self, image_id: int) -> np.ndarray:
        """Return an image's vector (D,) or tokens (T, D), float32 whatever type is stored.

        Raises:
            InputError: the image is not in the file, or its data are damaged.
        """
        row = self.row_of(image_id)
        with reading_hdf5(self.path, self.schema):
            encoding = np.asarray(self.datasets["encodings"][row])
            self.check_sum(row, (encoding.tobytes(),))
        return encoding.astype(np.float32)


class EncodingsWriter(RowsWriter):
    """Writes an encodings file, image by image, as `RowsWriter` does: `write(row, encodings=...)`.

    Args:
        path: the file to make or to go on with.
        image_ids: (N,) integer, the images in order.
        shape: of an image's encoding, (D,) or (T, D); or D alone.
        dtype: the type of `encodings`.
        attributes: what made them: kind, encoder, weights_sha256, images_sha256, and settings, a
            dictionary in JSON.
        source_ids: as of `RowsWriter`; those of the images file.

    Raises:
        InputError: the path cannot be written, the disk is too small, or the path holds something
            else or encodings of another kind, by another encoder or of other images.
    """

    schema = ENCODINGS
    numbers, what = "encodings", "encodings"
    chunked = False
    older = MappingProxyType({"kind": "vector"})

    def __init__(
        self,
        path: Path,
        image_ids: np.ndarray,
        shape: int | tuple[int, ...],
        dtype: str,
        attributes: Mapping[str, str | int],
        source_ids: Sequence[str | None] | None = None,
    ):
        whole = (shape,) if isinstance(shape, int) else tuple(shape)
        self.axes = "images, numbers" if len(whole) == 1 else "images, tokens, numbers"
        about = {"kind": "vector", **attributes}
        super().__init__(path, image_ids, whole, dtype, about, source_ids)
