"""Captions and their references in, scores of each image and of the whole out: the words that are
compared (words, ngrams), BLEU, ROUGE-L and CIDEr-D as coco-caption defines them, METEOR and SPICE
where Java has what they need, CLIPScore of embeddings; how sure a score is (resampling), and what
one sentence for all images would have (constant_caption); how far captions of one image agree
(consensus). No file is read or written but by Java.
Start at words.py, then scores.py."""
