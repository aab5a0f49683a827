"""Training examples of regions: a part of an image with the texts of the regions in it. An image,
its regions and captions come in; crops, boxes and masks of image tokens (geometry, example), and
batches of texts of several images (batch) go out. Start at example.py."""
