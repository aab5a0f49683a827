"""Files in, files of a split out: annotations, images and detectors become the split, regions,
images and features files that everything later reads. The top level holds the commands. Libraries
build on each other in this order: base, captions, region_phrases, storage, detector, conversion,
extracting, downloads. Start at captions/split_file.py for what a split is, at storage/hdf5.py for
what its files promise."""
