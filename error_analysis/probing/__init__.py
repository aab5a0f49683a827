"""One thing changed, and ranked again: any captions against a gallery (probed_captions), a typo
repaired, a harmless edit, all images made negatives. A model and a gallery come in, lists of ranks
before and after go out. Start at probes.py."""
