"""Where queries fail, and where one model beats another: groups of queries (groups: by what two of
an image's captions say, by objects, by features and reasons), how each differs from the rest
(contrasts), and all questions together with their false discovery rate (slice_findings), and
their JSON (slice_json). Start at slice_findings.py."""
