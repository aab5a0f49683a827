"""What tells one arm of Sx3HRe from another."""

from typing import Literal

# What brings images and texts together, besides the teacher: contrastive losses, nothing, or each
# image compared with its caption and one other.
Alignment = Literal["itc", "none", "cosine"]
# The vector that is compared: the shared block's output, or that after its norm.
Compared = Literal["normed", "output"]
