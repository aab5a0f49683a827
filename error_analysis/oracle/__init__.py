"""What captions alone can do: images ranked for a caption by what other people said of them, with
no model and no picture. A split comes in, scores like any model's go out. Start at
caption_scores.py."""
