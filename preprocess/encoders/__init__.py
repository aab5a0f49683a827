"""Frozen image encoders, whose vector or tokens of an image other models are taught by or read:
BEiT-2, the image tower of a CLIP, a ResNet. An HF folder or hub id becomes an encoder (towers,
image_encoder), an images file its encodings (encoding), and the published BEiT-2 files an HF folder
(beit_names, beit_conversion). Start at image_encoder.py."""
