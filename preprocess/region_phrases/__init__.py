"""Regions of images and what is said of each, for models that are trained on both. COCO's
instances, Visual Genome and X-VLM's JSON lines come in as they are (coco_instances, visual_genome,
json_lines), are chosen and checked (image_choice, odd_entries, checked_regions), and
`{split}_regions.json` goes out and is read again. Start at region_file.py."""
