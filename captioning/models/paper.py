"""The three captioners as the paper has them, and as its code trains them."""

from typing import Any, Literal

MIN_COUNT = 6  # how often a word of the training captions occurs to be in the vocabulary
# ResNet-50's pooled vector and an LSTM; CLIP's projected vector, not of unit length, and an LSTM;
# CLIP's tokens, before the last norm, and attention.
PaperModel = Literal["cnn_lstm", "clip_lstm", "clip_attention"]
LSTM = {"decoder": "lstm", "num_layers": 2, "dropout": 0.0, "learn_start": True}
PAPER: dict[PaperModel, dict[str, Any]] = {
    "cnn_lstm": {**LSTM, "image_width": 2048, "projection": "linear", "encoder_kind": "vector"},
    "clip_lstm": {**LSTM, "image_width": 512, "projection": "none", "encoder_kind": "embedding"},
    "clip_attention": {
        "decoder": "attention",
        "image_width": 768,
        "encoder_kind": "tokens",
        "projection": "none",
        "dropout": 0.5,
        "attention_penalty": 1.0,
        "penalty_over": "mean",
        "omit_last_targets": True,
    },
}
"""Settings of `LstmCaptionerConfig` for `--paper`; all others are its defaults.

Two layers are the paper's, though no version of its code has them. That `<start>` is a target at
the image's step, and that the attention's last word and end are none, is the code's alone: both are
defects, and part of the numbers that were published.
"""
