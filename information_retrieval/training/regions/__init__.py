"""Training examples of regions: a part of an image with the texts of the regions in it. An image,
its regions and captions come in (region_images); crops, boxes and masks of image tokens (geometry,
example), batches of texts of several images (batch), and the order of batches in an epoch
(pretraining_steps) go out. Start at example.py."""
