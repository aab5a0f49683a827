"""LXMERT trained by comparing the pairs of a batch: VSE++'s hinge loss over its score matrix.

The batch is that of one process. Two scores, by `config.matching_score`:

- "head": the matching head's logit, of every image with every caption of the batch. Each is
  encoded once, so that the n^2 pairs cost the cross layers alone. What is trained is what
  evaluation computes.
- "cosine", as the original defines it: the n right pairs go through LXMERT, and the cosine of one
  pair's mean visual output and another's pooled language output is their score. It costs n pairs
  instead of n^2; but the outputs of a right pair have seen each other, which gives it away, and
  evaluation scores each pair by its own outputs.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformers import LxmertConfig

from information_retrieval.models.lxmert.model import LxmertForImageTextMatching, MatchingOutput
from information_retrieval.training.objectives.losses import hinge_loss


class ContrastiveLxmert(LxmertForImageTextMatching):
    """The same model and weights; its forward takes a batch of right pairs and compares them.

    Attributes:
        margin, top_k_violations: of `hinge_loss`.
    """

    def __init__(self, config: LxmertConfig):
        super().__init__(config)
        self.margin = 0.2
        self.top_k_violations = 1

    def forward(  # type: ignore[override]  # of another batch: right pairs, no labels
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        visual_feats: Tensor,
        visual_pos: Tensor,
        image_index: Tensor,
    ) -> MatchingOutput:
        """Score every image of the batch with every caption.

        Args:
            input_ids, attention_mask: (batch, length) int64; 1 marks a token, 0 padding.
            visual_feats: (batch, n_regions, feature_dim) float32.
            visual_pos: (batch, n_regions, 4) float32, x1 y1 x2 y2 in [0, 1].
            image_index: (batch,) int64, equal for captions of one image.

        Returns:
            The loss, and as logits the scores (batch, batch), rows are images.
        """
        if self.reads_vision:
            output = self.lxmert(
                input_ids=input_ids,
                attention_mask=attention_mask,
                visual_feats=visual_feats,
                visual_pos=visual_pos,
            )
            images = normalize(output.vision_output.float().mean(dim=1), dim=-1)
            captions = normalize(output.pooled_output.float(), dim=-1)  # (batch, hidden_size)
            # As in evaluation: in bfloat16 cosines near 1 would be 0.004 apart.
            with torch.autocast(images.device.type, enabled=False):
                scores = images @ captions.T
        else:
            scores = self._score_all(input_ids, attention_mask, visual_feats, visual_pos)
        loss = hinge_loss(scores, image_index, self.margin, self.top_k_violations)
        return MatchingOutput(loss=loss, logits=scores)

    def _score_all(
        self, input_ids: Tensor, attention_mask: Tensor, visual_feats: Tensor, visual_pos: Tensor
    ) -> Tensor:
        """Return the head's logits of all pairs, (batch, batch), each modality encoded once."""
        encoder, batch = self.lxmert.encoder, len(input_ids)
        hidden = self.lxmert.embeddings(input_ids, torch.zeros_like(input_ids))
        # What HF's model adds to the attention scores of padding.
        padding = (1 - attention_mask)[:, None, None, :] * torch.finfo(self.dtype).min
        padding = padding.to(self.dtype)  # (batch, 1, 1, length)
        for layer in encoder.layer:
            hidden = layer(hidden, padding)[0]
        vision = encoder.visn_fc(visual_feats, visual_pos)
        for layer in encoder.r_layers:
            vision = layer(vision, None)[0]
        # Image by image: (batch, ...) -> (batch * batch, ...).
        hidden, padding = hidden.repeat(batch, 1, 1), padding.repeat(batch, 1, 1, 1)
        vision = vision.repeat_interleave(batch, dim=0)
        for layer in encoder.x_layers:
            hidden, vision = layer(hidden, padding, vision, None)[:2]
        return self.match(self.lxmert.pooler(hidden), vision).view(batch, batch)
