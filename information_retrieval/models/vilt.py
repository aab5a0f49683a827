"""Scores of image-caption pairs by ViLT, whose one transformer reads words and patches together.

An image's patches are embedded once; all else is the pair's own, so a pair costs a whole forward.
"""

from typing import ClassVar

import torch
from transformers import ViltForImageAndTextRetrieval

from information_retrieval.models.matching_gallery import MatchingGallery

PATCH_SEED = 0


class ViltGallery(MatchingGallery):
    """Embedded patches and captions, of which blocks are scored."""

    # A pair of 12 words and 228 patches is 40 GFLOP for ViLT-B/32: a tile of 64 images and 4
    # captions takes two minutes of a CPU core.
    BLOCK_CAPTIONS: ClassVar = {"cpu": 4, "cuda": 128}
    ONE_SIZE: ClassVar = False  # they keep their aspect ratio

    @staticmethod
    def encode_images(model: ViltForImageAndTextRetrieval, pixels: torch.Tensor) -> torch.Tensor:
        """Embed one image's patches, and the token that stands before them.

        HF's ViLT shuffles the patches, and of more than `config.max_image_length` keeps a random
        choice. Here an image's choice and order are the same in every run.

        Args:
            pixels: (1, 3, height, width).

        Returns:
            (1, 1 + n_patches, hidden_size).
        """
        embeddings = model.vilt.embeddings
        mask = torch.ones_like(pixels[:, 0], dtype=torch.int64)  # (1, height, width): no padding
        with torch.random.fork_rng(devices=[]):  # HF draws on the CPU
            torch.default_generator.manual_seed(PATCH_SEED)
            patches, _, _ = embeddings.visual_embed(
                pixels, mask, max_image_length=model.config.max_image_length
            )
        return patches + embeddings.token_type_embeddings.weight[1]

    def embed_captions(self, input_ids: torch.Tensor) -> torch.Tensor:
        embeddings = self.model.vilt.embeddings
        return embeddings.text_embeddings(input_ids) + embeddings.token_type_embeddings.weight[0]

    def score_image(self, image: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        vilt = self.model.vilt
        patches = image.expand(len(captions), -1, -1)
        pairs = torch.cat([captions, patches], dim=1)  # (n, length + n_patches, hidden_size)
        hidden = vilt.encoder(pairs)[0]
        with torch.autocast(hidden.device.type, enabled=False):
            pooled = vilt.pooler(vilt.layernorm(hidden[:, :1].float()))  # of the first token
            return self.model.rank_output(pooled).squeeze(-1)
