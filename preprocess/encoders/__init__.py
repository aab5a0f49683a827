"""Frozen image encoders, whose one vector an image is what other models are taught by: BEiT-2's
[CLS], the image tower of a CLIP. An HF folder or hub id becomes an encoder (towers, image_encoder),
an images file its encodings (encoding), and the published BEiT-2 files an HF folder (beit_names,
beit_conversion). Start at image_encoder.py."""
