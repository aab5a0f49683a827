"""What a captioner said, as files: results in COCO's format matched with the references of a split
(results_file, references, matched), counted (caption_counts), scored beside a constant caption and
another captioner's (systems, evaluation), and written (metrics_json). Start at results_file.py,
then evaluation.py."""
