"""Region features that another program extracted, as rows of ours: TSV, .npz and HDF5 files come in
(feature_sources, feature_tsv, by region_layouts), are checked one image at a time (found_regions,
box_formats) and go out as feature_rows. Start at feature_sources.py."""
