"""Which pair of image and caption stands for a caption in an epoch, aligned or not (pairs,
hard_negatives), and how pairs are read and batched (dataset). Start at pairs.py."""
