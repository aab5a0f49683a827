"""The split file: which images, in which order, with which captions and ids. Annotation files of
COCO, Karpathy, Oscar, CSV come in (annotations, legacy), a `Split` goes out (split_file), also
without images that were skipped. Start at split_file.py."""
