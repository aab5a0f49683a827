"""A detector over a whole split: images decoded in other processes (image_blobs, loader_workers),
dealt to shards, their regions written to a features file that goes on where it was killed
(extraction). Start at extraction.py."""
