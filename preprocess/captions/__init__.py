"""The split file: which images, in which order, with which captions and ids. Annotation files of
COCO, Karpathy, Oscar (annotations, legacy), VizWiz (vizwiz), tables (caption_table), and
Flickr30k's of other hands (flickr_tables) come in, a `Split` goes out (split_file), also without
images that were skipped, and which of its images show text (text_detected); or a list of images
that have no captions (image_info). Start at split_file.py."""
