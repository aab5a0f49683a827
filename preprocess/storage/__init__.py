"""The HDF5 files of a split: encoded images (images_file), region features (features_file reads,
features_writer writes resumably), and what both promise (hdf5: checksums, complete or not;
provenance: who made them; source_ids: of which split they are, where ids are names). Encoded bytes
become pixels here (decoding, decoded_images). Start at features_file.py."""
