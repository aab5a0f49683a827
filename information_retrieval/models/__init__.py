"""A checkpoint, and how it encodes and scores: a folder or hub id and the files of a split come in
(checkpoint, loading), a `LoadedGallery` that gives the scores of any block of pairs goes out. A
file or a folder a family: lxmert/, xvlm/, sx3hre/, vilt, blip (what these two share:
matching_gallery), dual_encoder for CLIP and its like. Start at loading.py."""
