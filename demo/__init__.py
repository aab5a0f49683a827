"""The miniature COCO: scenes drawn with captions from a grammar that plants, with a label, the
causes of hard queries (render, scenes, captions, typos, complaints), the small models that read
them (train_models, into models/), and how well the rules find what was planted (kinds, reasons,
image_reasons). Start at render.py."""
