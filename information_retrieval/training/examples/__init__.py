"""Which pair of image and caption stands for a caption in an epoch, aligned or not (pairs,
hard_negatives), and how pairs are read and batched (dataset). X-VLM's captions and images, cleaned,
varied and masked: clean_captions, varied_pairs, augmentation, masking. Start at pairs.py."""
