"""Sx3HRe in training: a batch in, its losses out, all computed within one forward.

Within it, because DistributedDataParallel sums the gradients of what its module's forward used.
"""

import torch
from torch import Tensor

from information_retrieval.models.sx3hre.model import Sx3hreModel
from information_retrieval.models.sx3hre.shared_block import BlockOutput
from information_retrieval.training.objectives.loss_parts import Losses
from information_retrieval.training.objectives.losses import gather, wrong_pairs
from information_retrieval.training.objectives.sx3hre_losses import (
    contrastive_loss,
    cosine_losses,
    draw_others,
    regression_losses,
)


class Sx3hreInTraining(Sx3hreModel):
    """The same model and weights; its forward takes a batch of right pairs and gives the losses.

    Attributes:
        margin, cosine_weight: of the cosine loss, and by how much that counts beside the
            distillation.
    """

    margin = 0.0
    cosine_weight = 1.0

    def forward(  # type: ignore[override]  # of another batch
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        pixel_values: Tensor,
        targets: Tensor,
        image_index: Tensor,
        draws: Tensor,
    ) -> Losses:
        """Return the losses of a batch.

        Args:
            input_ids, attention_mask: (batch, length) int64.
            pixel_values: (batch, 3, size, size).
            targets: (batch, hidden_size) float32, the teacher's vector of each pair's image.
            image_index: (batch,) int64, equal for captions of one image.
            draws: (batch,) float32, from which wrong captions are chosen (`draw_others`).

        Returns:
            Distillation and alignment, summed; as parts mse_image and mse_text; with the arm itc
            also itc_output, itc_middle, and without_negatives, 1 for a batch that shows one image
            alone, in which nothing is wrong; with the arm cosine cosine_right and cosine_wrong.

        Raises:
            InputError: as `draw_others`.
        """
        images = self.encode_images(pixel_values)
        texts = self.encode_texts(input_ids, attention_mask)
        return self.losses(images, texts, targets, image_index, draws)

    def losses(
        self,
        images: BlockOutput,
        texts: BlockOutput,
        targets: Tensor,
        image_index: Tensor,
        draws: Tensor,
    ) -> Losses:
        """Return the losses of what the shared block makes of a batch, as `forward`."""
        mse = regression_losses(
            self.regressed(images.output), self.regressed(texts.output), targets
        )
        parts = dict(zip(("mse_image", "mse_text"), mse, strict=True))
        loss = torch.stack(mse).mean()
        match self.config.alignment:
            case "itc":
                parts |= self._contrastive(images, texts, image_index)
                differ = wrong_pairs(gather(image_index)).any()
                parts["without_negatives"] = 1 - differ.float()
                loss = loss + (parts["itc_output"] + parts["itc_middle"]) / 2
            case "cosine":
                parts |= self._cosine(images.output, texts.output, image_index, draws)
                aligned = (parts["cosine_right"] + parts["cosine_wrong"]) / 2
                loss = loss + self.cosine_weight * aligned
        return Losses(loss, {name: value.detach() for name, value in parts.items()})

    def _contrastive(
        self, images: BlockOutput, texts: BlockOutput, image_index: Tensor
    ) -> dict[str, Tensor]:
        # In half precision cosines times the scale would be 0.06 apart.
        with torch.autocast(image_index.device.type, enabled=False):
            output = (images.output, texts.output, self.logit_scale)
            middle = (images.middle, texts.middle, self.middle_logit_scale)
            return {
                "itc_output": contrastive_loss(*output, image_index),
                "itc_middle": contrastive_loss(*middle, image_index),
            }

    def _cosine(
        self, images: Tensor, texts: Tensor, image_index: Tensor, draws: Tensor
    ) -> dict[str, Tensor]:
        """Compare all processes' pairs, so that the draw does not depend on how many there are."""
        images, texts = gather(self.compared(images)), gather(self.compared(texts))
        others = draw_others(gather(image_index), gather(draws))
        right, wrong = cosine_losses(images, texts, others, self.margin)
        return {"cosine_right": right, "cosine_wrong": wrong}
