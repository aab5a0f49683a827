"""One thing changed, and ranked again: any captions against a gallery (probed_captions), a typo
repaired, a harmless edit, all images made negatives; and where a model sees what a caption says. A
model and a gallery come in, ranks before and after, or boxes, go out. Start at probes.py."""
