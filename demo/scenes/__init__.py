"""What is in a picture, and what is said of it: scenes, and captions drawn for them from a grammar
that plants, with a label, typos, claims, complaints and the paper's kinds of hard caption;
annotations in COCO's format. Start at scenes.py, then captions.py."""
