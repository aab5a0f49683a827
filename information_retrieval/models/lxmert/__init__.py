"""LXMERT with its matching head: the model, region features as it reads them, each modality encoded
once (encoded_gallery), blocks of pairs through the cross layers (pair_blocks), the same compiled or
rounded for a GPU (cross_layers), pairs of a list alone (listed_pairs). A pair is scored in
pair_blocks. Start at encoded_gallery.py."""
