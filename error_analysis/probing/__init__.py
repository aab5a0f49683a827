"""One thing changed, and ranked again: any captions against a gallery (probed_captions), a typo
repaired, a harmless edit, all images made negatives; where a model sees what a caption says, and
how it embeds pairs (pair_embeddings). A model and a gallery come in, ranks before and after, boxes
or embeddings, go out. Start at probes.py."""
