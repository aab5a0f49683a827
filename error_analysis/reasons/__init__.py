"""Rules that say why a query is hard, each with its evidence: captions/ looks at the words, images/
at what is in the picture. Here is what both need: what a rule finds (reason), the words and nouns
of a caption, places, which objects it mentions. Start at captions/caption_reasons.py and
images/image_reasons.py, which apply all rules."""
