"""X-VLM in training: a batch in, its losses out, all computed within one forward.

Within it, because DistributedDataParallel sums the gradients of what its module's forward used.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from information_retrieval.models.xvlm.model import TEMPERATURES, XvlmModel
from information_retrieval.models.xvlm.vision import region_embeds
from information_retrieval.training.objectives.loss_parts import Losses
from information_retrieval.training.objectives.losses import wrong_pairs
from information_retrieval.training.objectives.xvlm_losses import (
    box_losses,
    contrastive_loss,
    draw_negatives,
    masked_word_loss,
    matching_loss,
    negative_weights,
)


@dataclass(frozen=True)
class Pairs:
    """A batch encoded: n texts, each with its image or region.

    Attributes:
        image_tokens: (n, 1 + n_patches, image_width).
        image_mask: (n, 1 + n_patches), 1 for a token that may be read; None for all.
        text_hidden: (n, length, hidden_size).
        text_mask: (n, length).
        image_embeds, text_embeds: (n, embedding_dim), unit length.
        index: (n,) int64, equal for pairs that are right answers to each other.
    """

    image_tokens: Tensor
    image_mask: Tensor | None
    text_hidden: Tensor
    text_mask: Tensor
    image_embeds: Tensor
    text_embeds: Tensor
    index: Tensor


class XvlmInTraining(XvlmModel):
    """The same model and weights; its forward takes a batch of right pairs and gives the losses.

    Attributes:
        has_box_loss: whether boxes of regions are learnt.
        generator: of the hard negatives; None for PyTorch's own.
    """

    has_box_loss = True
    generator: torch.Generator | None = None

    def drop_pretraining_heads(self) -> None:
        """Leave out the heads for boxes and masked words, as official fine-tuned files do."""
        self.box_head = self.mlm_head = None
        self.config.has_box_head = self.config.has_mlm_head = False
        self._tied_weights_keys = {}
        self.all_tied_weights_keys: dict[str, str] = {}

    def forward(  # type: ignore[override]  # of another batch
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pixel_values: Tensor,
        image_index: Tensor | None = None,
        text_number: Tensor | None = None,
        masked_ids: Tensor | None = None,
        masked_positions: Tensor | None = None,
        masked_labels: Tensor | None = None,
        image_of: Tensor | None = None,
        image_mask: Tensor | None = None,
        boxes: Tensor | None = None,
        is_image: Tensor | None = None,
    ) -> Losses:
        """Return the losses of n texts, by what is given of them.

        Args:
            input_ids, attention_mask: (n, length) int64.
            pixel_values: (n, 3, image_size, image_size); with `image_of`, of fewer images.
            image_index: (n,) int64, equal for texts of one image.
            text_number: (n,) int64, equal for equal texts; in place of the image where both are
                given.
            masked_ids, masked_positions, masked_labels: in pre-training, see `pad_masked`.
            image_of, image_mask, boxes, is_image: of a batch of regions, see `RegionCollator`.

        Returns:
            The sum of the losses; as parts itc, itm, in pre-training mlm, and of a batch of regions
            box_l1 and box_giou, all with the prefix region_; and without_negatives, 1 for a batch
            in which nothing is wrong, so that itm is 0.
        """
        index = image_index if text_number is None else text_number
        assert index is not None, "of every batch one of the two is given"
        if masked_ids is not None and self.training:
            with torch.no_grad():
                self.temperature.clamp_(*TEMPERATURES)
        encoded = self.vision_encoder(pixel_values)
        tokens = encoded
        if image_of is not None:
            assert image_mask is not None, "regions have masks"
            tokens = region_embeds(encoded, image_of, image_mask)
        hidden = self.text_encoder.encode(input_ids, attention_mask)
        embeds = self.image_features(tokens), self.text_features(hidden)
        pairs = Pairs(tokens, image_mask, hidden, attention_mask, *embeds, index)
        losses = {"itc": self._contrastive(pairs), "itm": self._matching(pairs)}
        if masked_ids is not None:
            assert masked_positions is not None, "masked texts have them"
            assert masked_labels is not None, "masked texts have them"
            logits = self.masked_words(
                masked_ids, attention_mask, tokens, image_mask, masked_positions
            )
            losses["mlm"] = masked_word_loss(logits, masked_labels)
        if image_of is not None and self.has_box_loss:
            assert boxes is not None, "regions have them"
            assert is_image is not None, "regions have it"
            whole = encoded[image_of]  # also what is outside the region
            fused = self.text_encoder.fuse(hidden, attention_mask, whole)
            losses["box_l1"], losses["box_giou"] = box_losses(self.boxes(fused), boxes, is_image)
        prefix = "" if image_of is None else "region_"
        parts = {prefix + name: value.detach() for name, value in losses.items()}
        parts["without_negatives"] = 1 - wrong_pairs(index).any().float()
        return Losses(torch.stack(list(losses.values())).sum(), parts)

    def _contrastive(self, pairs: Pairs) -> Tensor:
        # In half precision cosines over temperature would be 0.06 apart.
        with torch.autocast(pairs.index.device.type, enabled=False):
            return contrastive_loss(
                pairs.image_embeds, pairs.text_embeds, self.temperature, pairs.index
            )

    def _matching(self, pairs: Pairs) -> Tensor:
        """Return the matching loss, with hard negatives of this process's batch."""
        images, texts = self.draw(pairs)
        n = len(pairs.index)
        rows = torch.arange(n, device=images.device)
        # The right pairs; texts with drawn images; images with drawn texts.
        image, text = torch.cat([rows, images, rows]), torch.cat([rows, rows, texts])
        fused = self.text_encoder.fuse(
            pairs.text_hidden[text],
            pairs.text_mask[text],
            pairs.image_tokens[image],
            None if pairs.image_mask is None else pairs.image_mask[image],
        )
        right, wrong_images, wrong_texts = self.match(fused).split(n)
        return matching_loss(right, wrong_images, wrong_texts, pairs.index)

    @torch.no_grad()
    def draw(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """Draw for each text a wrong image, and for each image a wrong text: (n,) int64 each."""
        with torch.autocast(pairs.index.device.type, enabled=False):
            scores = pairs.image_embeds.float() @ pairs.text_embeds.float().T
            scores = scores / self.temperature.float()  # (images, texts)
        images = draw_negatives(negative_weights(scores.T, pairs.index), self.generator)
        texts = draw_negatives(negative_weights(scores, pairs.index), self.generator)
        return images, texts
