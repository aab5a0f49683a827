"""Rules that say why a query is hard, each with its evidence: captions/ looks at the words, images/
at what is in the picture. Here is what both need: what a rule finds (reason), the words and nouns
of a caption, which objects it mentions, which words a gallery's captions say (said_words), and how
well each caption fits other images' captions (caption_scores). Start at captions/caption_reasons.py
and images/image_reasons.py, which apply all rules."""
